/* (i) shadow ids until they wrap, more large TLB1 entries than host slots, guest-owned debug, IS != DS, rfdi */
#define HANDLER_HOOK bl hook
#include "prologue.S"
.macro WTLB m0, m1, m2, m3
	LDI r3, \m0
	mtspr MAS0, r3
	LDI r3, \m1
	mtspr MAS1, r3
	LDI r3, \m2
	mtspr MAS2, r3
	LDI r3, \m3
	mtspr MAS3, r3
	tlbwe
.endm
hook:	li r26, 0
	cmpwi r20, 8
	bne 1f
	li r26, 1
	cmpwi r15, 1
	bne 1f
	li r15, 0
	rlwinm r22, r22, 0, 18, 16
	mtspr SRR1, r22
1:	blr
hdebug:
	mfspr r20, CSRR0
	RES r20
	mfspr r20, CSRR1
	RES r20
	mfspr r21, 304
	RES r21
	mtspr 304, r21
	rlwinm r20, r20, 0, 23, 21	/* clear DE */
	mtspr CSRR1, r20
	rfci
main:
	li r0, 0
	mtspr MAS7, r0
	MARK 1
	/* an id for each guest PID; after 255 all are forgotten */
	li r5, 1
1:	mtspr PID, r5
	addi r5, r5, 1
	cmpwi r5, 200
	bne 1b
	li r3, 0
	mtspr PID, r3
	LDI r6, 0x00500000
	lwz r4, 0(r6)
	/* user mode doubles them */
	LDI r3, 2f
	mtspr SRR0, r3
	LDI r3, 0x4000
	mtspr SRR1, r3
	rfi
2:	lwz r4, 4(r6)
	li r15, 1
	sc
	lwz r4, 8(r6)
	li r5, 200
1:	mtspr PID, r5
	addi r5, r5, 1
	cmpwi r5, 264
	bne 1b
	li r3, 0
	mtspr PID, r3
	lwz r4, 12(r6)
	MARK 2
	/* 14 entries of 1 MiB, each touched twice */
	li r7, 0
1:	addi r8, r7, 2
	slwi r3, r8, 16
	oris r3, r3, 0x1000
	mtspr MAS0, r3
	LDI r3, 0x80000500
	mtspr MAS1, r3
	lis r3, 0xa000
	slwi r9, r7, 20
	add r10, r3, r9
	mtspr MAS2, r10
	addi r9, r9, 0x15
	mtspr MAS3, r9
	tlbwe
	lwz r4, 0x2000(r10)
	addi r7, r7, 1
	cmpwi r7, 14
	bne 1b
	li r7, 0
	lis r10, 0xa000
1:	lwz r4, 0x3000(r10)
	addis r10, r10, 0x10
	addi r7, r7, 1
	cmpwi r7, 14
	bne 1b
	/* drop two of them */
	WTLB 0x10050000, 0, 0xa0300000, 0
	LDI r6, 0xa0400008
	tlbivax 0, r6
	lis r10, 0xa050
	lwz r4, 0x3000(r10)
	MARK 3
	/* debug events that belong to the guest */
	LDI r3, 0x48000000
	mtspr 308, r3
	LDI r3, 0x1200
	mtmsr r3
	li r4, 1
	li r4, 2
	mfmsr r3
	RES r3
	li r3, 0
	mtspr 308, r3
	MARK 4
	MARK 5
	/* rfdi is emulated on e500v2 too */
	LDI r3, 1f
	mtspr 574, r3
	li r3, 0x1000
	mtspr 575, r3
	.long 0x4c00004e
	MARK 0x66
1:	mfmsr r3
	RES r3
	MARK 6
	stw r3, P_STATE(r28)
	EXIT
#include "epilogue.S"
