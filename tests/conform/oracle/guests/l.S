/* (l) EPR exits: edge, level, both, with the decrementer, from a thread while idle, from a critical section */
#define HANDLER_HOOK bl hook
#include "prologue.S"
hook:	li r26, 1
	cmpwi r20, 10
	beq 2f
	cmpwi r20, 4
	bne 1f
	mfspr r3, 702
	RES r3
	rlwinm r22, r22, 0, 14, 12
	mtspr SRR1, r22
	cmpwi r16, 0
	beq 1f
	addi r16, r16, -1
	cmpwi r16, 0
	bne 1f
	li r3, -2
	stw r3, P_IRQ(r28)
1:	blr
2:	LDI r3, 0x08000000
	mtspr TSR, r3
	blr
main:	li r16, 0
	MARK 1
	/* no capability: no exit, EPR reads 0 */
	li r3, -1
	stw r3, P_IRQ(r28)
	wrteei 1
	wrteei 0
	li r3, 86
	stw r3, P_CAP(r28)
	MARK 2
	li r3, -1
	stw r3, P_IRQ(r28)
	wrteei 1
	nop
	wrteei 0
	MARK 3
	li r16, 3
	li r3, -3
	stw r3, P_IRQ(r28)
	wrteei 1
	nop
	wrteei 0
	MARK 4
	/* edge and level at once: two deliveries, two exits */
	li r16, 2
	li r3, -3
	stw r3, P_IRQ(r28)
	li r3, -1
	stw r3, P_IRQ(r28)
	wrteei 1
	nop
	wrteei 0
	MARK 5
	LDI r3, 0x04000000
	mtspr TCR, r3
	LDI r3, 0x08000000
	stw r3, P_TSR(r28)
	li r3, -1
	stw r3, P_IRQ(r28)
	wrteei 1
	nop
	wrteei 0
	MARK 6
	li r3, 200
	stw r3, P_LATER(r28)
	LDI r3, 0x00048000
	mtmsr r3
	wrteei 0
	li r16, 1
	LDI r3, 0x100c8
	stw r3, P_LATER(r28)
	LDI r3, 0x00048000
	mtmsr r3
	wrteei 0
	MARK 7
	/* a system call's exit delivers it too */
	li r3, -1
	stw r3, P_IRQ(r28)
	li r0, 1
	LDI r3, 1f
	mtspr SRR0, r3
	LDI r3, 0xc000
	mtspr SRR1, r3
	rfi
1:	li r19, 8
	stw r19, P_MARK(r28)
	stw r3, P_STATE(r28)
	EXIT
#include "epilogue.S"
