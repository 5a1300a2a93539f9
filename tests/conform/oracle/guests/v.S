/* (v) a debugger's single steps and the host's own interrupts: a step that an external interrupt, the guest's decrementer
 * (an interrupt of the host's timer) and a decrementer that is due already begin; the second takes DBCR0 away */
#define HANDLER_HOOK bl hook
#include "prologue.S"
hook:	li r26, 1
	addi r17, r17, 1
	cmpwi r20, 10
	bne 1f
	lis r3, 0x0C00
	mtspr TSR, r3
1:	cmpwi r20, 4
	bnelr
	li r3, -2
	stw r3, P_IRQ(r28)
	blr
.macro STEPPED			/* the debugger on, and the interrupt let in and waited for */
	li r3, 3
	stw r3, P_DBG(r28)
	wrteei 1
1:	cmpwi r17, 1
	blt 1b
	wrteei 0
.endm
main:
	li r17, 0
	MARK 1
	/* external, edge, queued with EE=0; debugger on; EE=1 */
	li r3, -1
	stw r3, P_IRQ(r28)
	STEPPED
	li r3, 0
	stw r3, P_DBG(r28)
	MARK 2
	li r17, 0
	LDI r3, 100000
	mtspr DECSPR, r3
	LDI r3, 0x04000000
	mtspr TCR, r3
	STEPPED
	li r3, 0
	mtspr TCR, r3
	li r3, 0
	stw r3, P_DBG(r28)
	MARK 3
	li r17, 0
	LDI r3, 1
	mtspr DECSPR, r3
	LDI r3, 0x04000000
	mtspr TCR, r3
	STEPPED
	MARK 4
	EXIT
#include "epilogue.S"
