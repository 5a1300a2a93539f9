/* (t) EPR: written, read in user mode, nested, taken back, behind a critical interrupt, at one delivery each exit */
#define HANDLER_HOOK bl hook
#include "prologue.S"
hook:	li r26, 1
	cmpwi r20, 4
	beq 4f
	cmpwi r20, 12
	beq 6f
	li r26, 0
	blr
4:	mfspr r3, 702
	RES r3
	addi r17, r17, 1
	cmpwi r16, 1
	bne 5f
	li r16, 0
	/* nested: another edge with EE on inside the handler */
	stw r21, P_DATA(r28)
	mr r14, r13
	mr r10, r8
	mr r11, r9
	mr r12, r22
	li r3, -1
	stw r3, P_IRQ(r28)
	wrteei 1
	nop
	wrteei 0
	mfspr r3, 702
	RES r3
	mr r13, r14
	mr r8, r10
	mr r9, r11
	mr r22, r12
	lwz r21, P_DATA(r28)
	mtspr SRR0, r21
	mtspr SRR1, r22
	li r26, 1
	blr
5:	cmpwi r16, 2
	bne 7f
	li r16, 0
	li r3, -2
	stw r3, P_IRQ(r28)
7:	blr
6:	mfspr r3, 702
	RES r3
	mfspr r3, CSRR1
	rlwinm r3, r3, 0, 15, 13
	mtspr CSRR1, r3
	LDI r3, 0x40000000
	mtspr TSR, r3
	mtlr r13
	mtcr r9
	mr r3, r8
	rfci
main:	li r16, 0
	li r17, 0
	MARK 1
	/* written before the capability: who keeps it */
	LDI r3, 0x1234
	mtspr 702, r3
	mfspr r4, 702
	RES r4
	li r3, 86
	stw r3, P_CAP(r28)
	MARK 2
	/* written with it, and read without an interrupt */
	LDI r3, 0x5678
	mtspr 702, r3
	mfspr r4, 702
	RES r4
	MARK 3
	/* an edge taken back before EE: no delivery, no exit */
	li r3, -1
	stw r3, P_IRQ(r28)
	li r3, -2
	stw r3, P_IRQ(r28)
	wrteei 1
	nop
	wrteei 0
	mfspr r4, 702
	RES r4
	/* two edges are one */
	li r3, -1
	stw r3, P_IRQ(r28)
	stw r3, P_IRQ(r28)
	wrteei 1
	nop
	wrteei 0
	RES r17
	MARK 4
	/* level, taken back in the handler */
	li r16, 2
	li r3, -3
	stw r3, P_IRQ(r28)
	wrteei 1
	nop
	wrteei 0
	RES r17
	MARK 5
	/* nested: EPR is the inner one's afterwards */
	li r16, 1
	li r3, -1
	stw r3, P_IRQ(r28)
	wrteei 1
	nop
	wrteei 0
	RES r17
	MARK 6
	/* with the watchdog's critical interrupt: that first, EPR is still the old one in it */
	LDI r3, 0x08000000
	mtspr TCR, r3
	LDI r3, 0x40000000
	stw r3, P_TSR(r28)
	li r3, -1
	stw r3, P_IRQ(r28)
	LDI r3, 0x28000
	mtmsr r3
	nop
	li r3, 0
	mtmsr r3
	mtspr TCR, r3
	RES r17
	MARK 7
	/* delivered in user mode, and what a user may read of it */
	LDI r3, 1f
	mtspr SRR0, r3
	LDI r3, 0xc000
	mtspr SRR1, r3
	li r3, -1
	stw r3, P_IRQ(r28)
	rfi
1:	nop
	mfspr r4, 702
	mtspr 702, r4
	RES r17
	li r3, 0
	stw r3, P_EXIT(r28)
2:	b 2b
#include "epilogue.S"
