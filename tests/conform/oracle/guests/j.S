/* (j) decrementer, TSR and TCR: masked, late, reloaded, cleared in the handler, the watchdog's bits by OR_TSR */
#define HANDLER_HOOK bl hook
#include "prologue.S"
hook:	li r26, 1
	cmpwi r20, 12
	beq 2f
	cmpwi r20, 10
	bne 1f
	addi r17, r17, 1
	rlwinm r22, r22, 0, 14, 12
	mtspr SRR1, r22
	cmpwi r16, 0
	beq 3f
	addi r16, r16, -1	/* level: not cleared, so it comes again */
	blr
3:	LDI r3, 0x08000000
	mtspr TSR, r3
1:	blr
2:	mfspr r3, TSR
	RES r3
	mfspr r3, CSRR0
	mfspr r3, CSRR1
	RES r3
	rlwinm r3, r3, 0, 15, 13
	rlwinm r3, r3, 0, 14, 12
	mtspr CSRR1, r3
	mtlr r13
	mtcr r9
	mr r3, r8
	rfci
.macro GETTIMERS
	mfspr r4, TSR
	RES r4
	mfspr r4, TCR
	RES r4
.endm
main:	li r16, 0
	li r17, 0
	MARK 1
	/* an expired decrementer stays in TSR while TCR[DIE] is off */
	LDI r3, 0x08000000
	stw r3, P_TSR(r28)
	wrteei 1
	GETTIMERS
	RES r17
	/* DIE on: at once, for EE is on */
	LDI r3, 0x04000000
	mtspr TCR, r3
	GETTIMERS
	RES r17
	wrteei 0
	MARK 2
	/* pending with EE off, taken back by mtspr TSR */
	LDI r3, 0x08000000
	stw r3, P_TSR(r28)
	GETTIMERS
	LDI r3, 0x08000000
	mtspr TSR, r3
	wrteei 1
	nop
	wrteei 0
	RES r17
	MARK 3
	/* taken back by TCR[DIE], given back by it */
	LDI r3, 0x08000000
	stw r3, P_TSR(r28)
	li r3, 0
	mtspr TCR, r3
	wrteei 1
	RES r17
	LDI r3, 0x04000000
	mtspr TCR, r3
	RES r17
	wrteei 0
	MARK 4
	/* level: three deliveries until the handler clears it */
	li r16, 2
	LDI r3, 0x08000000
	stw r3, P_TSR(r28)
	wrteei 1
	nop
	RES r17
	wrteei 0
	MARK 5
	/* runs out in idle; DECAR does not reload without ARE */
	LDI r3, 60000
	mtspr DECAR, r3
	mtspr DECSPR, r3
	LDI r3, 0x00048000
	mtmsr r3
	wrteei 0
	mfspr r4, DECSPR
	RES r4
	/* ARE */
	LDI r3, 0x04400000
	mtspr TCR, r3
	LDI r3, 60000
	mtspr DECSPR, r3
	LDI r3, 0x00048000
	mtmsr r3
	LDI r3, 0x00048000
	mtmsr r3
	wrteei 0
	li r3, 0
	mtspr TCR, r3
	mtspr DECAR, r3
	mtspr DECSPR, r3
	RES r17
	MARK 6
	/* external and decrementer together, and a Program exception first */
	LDI r3, 0x08000000
	mtspr TSR, r3
	LDI r3, 0x04000000
	mtspr TCR, r3
	LDI r3, 0x08000000
	stw r3, P_TSR(r28)
	li r3, -1
	stw r3, P_IRQ(r28)
	li r0, 1
	sc
	wrteei 1
	nop
	wrteei 0
	RES r17
	MARK 7
	/* the watchdog's interrupt: WIS with WIE, CE off and on; ENW alone is nothing */
	LDI r3, 0x08000000
	mtspr TCR, r3
	LDI r3, 0x80000000
	stw r3, P_TSR(r28)
	GETTIMERS
	LDI r3, 0x40000000
	stw r3, P_TSR(r28)
	LDI r3, 0x20000
	mtmsr r3
	LDI r3, 0x40000000
	mtspr TSR, r3
	li r3, 0
	mtspr TCR, r3
	GETTIMERS
	/* both classes at once: critical first */
	LDI r3, 0x0c000000
	mtspr TCR, r3
	LDI r3, 0x48000000
	stw r3, P_TSR(r28)
	LDI r3, 0x28000
	mtmsr r3
	nop
	LDI r3, 0x48000000
	mtspr TSR, r3
	li r3, 0
	mtmsr r3
	mtspr TCR, r3
	RES r17
	GETTIMERS
	MARK 8
	/* WRC cannot be taken back */
	LDI r3, 0x10000000
	mtspr TCR, r3
	li r3, 0
	mtspr TCR, r3
	GETTIMERS
	LDI r3, 0x30000000
	mtspr TCR, r3
	GETTIMERS
	stw r3, P_STATE(r28)
	EXIT
#include "epilogue.S"
