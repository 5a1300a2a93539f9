/* (o) SPE across exits to userspace, which take it away: the next use comes back for it */
#define HANDLER_HOOK bl hook
#include "prologue.S"
hook:	li r26, 0
	blr
main:	LDI r3, 0x2000
	mtspr 528, r3
	MARK 1
	li r4, 7
	.long 0x10642200	/* evaddw r3,r4,r4: unavailable */
	LDI r3, 0x02000000
	mtmsr r3
	.long 0x10642200
	RES r3
	stw r4, P_DATA(r28)
	.long 0x10642200	/* taken away by the exit */
	.long 0x10642200
	lwz r5, P_DATA(r28)
	mfmsr r5
	.long 0x10642200
	li r3, 5
	stw r3, P_IRQ(r28)
	wrteei 1
	.long 0x10642200
	wrteei 0
	MARK 2
	/* in user mode */
	LDI r3, 1f
	mtspr SRR0, r3
	LDI r3, 0x02004000
	mtspr SRR1, r3
	rfi
1:	.long 0x10642200
	li r19, 3
	stw r19, P_MARK(r28)
	.long 0x10642200
	li r3, 0
	stw r3, P_EXIT(r28)
2:	b 2b
#include "epilogue.S"
	.org 0x12000
	VEC 32
