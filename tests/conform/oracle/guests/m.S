/* (m) guest debug: userspace steps, breaks and lets go; the guest's own events; DE and DBSR */
#define HANDLER_HOOK bl hook
#include "prologue.S"
hook:	li r26, 0
	cmpwi r20, 15
	bne 1f
	mfspr r3, 58
	RES r3
	mfspr r3, 59
	RES r3
	rlwinm r3, r3, 0, 23, 21	/* DE off */
	mtspr 59, r3
	mfspr r3, 304
	RES r3
	mtspr 304, r3
	mtlr r13
	mtcr r9
	mr r3, r8
	rfci
1:	cmpwi r20, 8
	bne 2f
	li r26, 1
2:	blr
.macro DBG n
	LDI r3, \n
	stw r3, P_DBG(r28)
.endm
main:	MARK 1
	/* a breakpoint with nobody debugging: to userspace, which steps over it */
	.long 0x00dddd00
	DBG 0x10001
	mfspr r4, 308
	RES r4
	.long 0x00dddd00
	LDI r3, 0x48000000
	mtspr 308, r3		/* ignored */
	mtspr 316, r3
	mfspr r4, 316
	RES r4
	LDI r3, 0x200
	mtmsr r3		/* DE is not the guest's */
	mfmsr r4
	RES r4
	DBG 0
	mfspr r4, 308
	RES r4
	MARK 2
	/* steps through MMIO, an emulated instruction, sc and its handler */
	DBG 3
	li r3, 0
	mtmsr r3
	nop
	mfmsr r4
	stw r4, P_DATA(r28)
	li r5, 1
	nop
	nop
	nop
	nop
	MARK 3
	DBG 3
	LDI r3, 0x8000
	mtmsr r3
	li r0, 1
	sc
	nop
	DBG 0
	li r3, 0
	mtmsr r3
	MARK 4
	/* the guest's own: instruction complete, branch taken, trap */
	LDI r3, 0x48000000
	mtspr 308, r3
	LDI r3, 0x200
	mtmsr r3
	li r4, 1
	li r4, 2
	LDI r3, 0x44000000
	mtspr 308, r3
	LDI r3, 0x200
	mtmsr r3
	b 1f
	nop
1:	nop
	li r3, 0
	mtmsr r3
	LDI r3, 0x41000000
	mtspr 308, r3
	twge r5, r5
	LDI r3, 0x200
	mtmsr r3
	twge r5, r5
	li r3, 0
	mtmsr r3
	mfspr r4, 304
	RES r4
	li r3, -1
	mtspr 304, r3
	mfspr r4, 304
	RES r4
	li r3, 0
	mtspr 308, r3
	MARK 5
	/* user mode: breakpoints and steps there */
	DBG 0x10003
	LDI r3, 1f
	mtspr SRR0, r3
	LDI r3, 0x4000
	mtspr SRR1, r3
	rfi
1:	li r4, 3
	.long 0x00dddd00
	li r4, 4
	li r19, 6
	stw r19, P_MARK(r28)
	stw r3, P_STATE(r28)
	li r3, 0
	stw r3, P_EXIT(r28)
2:	b 2b
#include "epilogue.S"
