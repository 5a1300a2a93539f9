/* (r) the guest's own debug events, and userspace's: branches taken and not, both events, in user mode */
#define HANDLER_HOOK bl hook
#include "prologue.S"
hook:	li r26, 0
	cmpwi r20, 15
	bne 1f
	mfspr r3, 58
	RES r3
	mfspr r3, 59
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
.macro ON what, msr=0x200
	LDI r3, \what
	mtspr 308, r3
	LDI r3, \msr
	mtmsr r3
.endm
.macro OFF
	li r3, 0
	mtmsr r3
	mtspr 308, r3
.endm
main:	MARK 1
	li r5, 1
	cmpwi r5, 2
	/* not taken, then taken */
	ON 0x44000000
	beq 1f
	nop
1:	ON 0x44000000
	bne 1f
	nop
1:	MARK 2
	/* both */
	ON 0x4c000000
	nop
	ON 0x4c000000
	b 1f
1:	ON 0x4c000000
	bne 1f
1:	MARK 3
	/* complete: one that is emulated has no event of its own */
	ON 0x48000000
	mfspr r4, 272
	nop
	OFF
	MARK 4
	/* user mode */
	LDI r3, 0x48000000
	mtspr 308, r3
	LDI r3, 1f
	mtspr SRR0, r3
	LDI r3, 0x4200
	mtspr SRR1, r3
	rfi
1:	li r4, 3
	li r4, 4
	li r4, 5
	li r19, 6
	stw r19, P_MARK(r28)
	bl 3f
3:	li r19, 7
	stw r19, P_MARK(r28)
	li r3, 0
	stw r3, P_EXIT(r28)
2:	b 2b
#include "epilogue.S"
