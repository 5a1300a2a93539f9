/* (s) the fixed-interval timer: periods, FIE, FIS by hand, its vector beside the decrementer's, idle and user mode */
#define HANDLER_HOOK bl hook
#include "prologue.S"
hook:	li r26, 1
	cmpwi r20, 11
	beq 3f
	cmpwi r20, 10
	beq 2f
	li r26, 0
	blr
3:	addi r18, r18, 1	/* never comes */
	LDI r3, 0x04000000
	mtspr TSR, r3
	blr
2:	addi r17, r17, 1
	LDI r3, 0x08000000
	mtspr TSR, r3
	rlwinm r22, r22, 0, 14, 12
	mtspr SRR1, r22
	blr
.macro SHOW
	mfspr r4, TSR
	RES r4
	mfspr r4, TCR
	RES r4
	RES r18
.endm
main:	li r17, 0
	li r18, 0
	MARK 1
	/* every period with FIE: time passes, FIS never comes */
	LDI r3, 0x03800000	/* FP 11, FPEXT 0000 */
	mtspr TCR, r3
	wrteei 1
	SHOW
	LDI r3, 0x0381e000	/* FP 11, FPEXT 1111: time-base bit 63, every second tick */
	mtspr TCR, r3
	li r4, 3000
	mtctr r4
1:	bdnz 1b
	SHOW
	wrteei 0
	MARK 2
	/* FIS by hand, without FIE and with it */
	LDI r3, 0
	mtspr TCR, r3
	LDI r3, 0x04000000
	stw r3, P_TSR(r28)
	wrteei 1
	SHOW
	LDI r3, 0x00800000
	mtspr TCR, r3
	SHOW
	wrteei 0
	/* it goes by a one, and what else is there stays */
	LDI r3, 0x0c000000
	stw r3, P_TSR(r28)
	SHOW
	LDI r3, 0x04000000
	mtspr TSR, r3
	SHOW
	LDI r3, 0x08000000
	mtspr TSR, r3
	MARK 3
	/* beside the decrementer, which comes; FIS stays for ever */
	LDI r3, 0x04800000
	mtspr TCR, r3
	LDI r3, 0x0c000000
	stw r3, P_TSR(r28)
	wrteei 1
	nop
	wrteei 0
	RES r17
	SHOW
	MARK 4
	/* idle: FIS wakes nobody; the decrementer does */
	LDI r3, 0x0481e000
	oris r3, r3, 0x0380
	mtspr TCR, r3
	LDI r3, 60000
	mtspr DECSPR, r3
	LDI r3, 0x00048000
	mtmsr r3
	wrteei 0
	RES r17
	SHOW
	MARK 5
	/* with an external interrupt waiting, in user mode */
	LDI r3, 0x04000000
	stw r3, P_TSR(r28)
	li r3, -1
	stw r3, P_IRQ(r28)
	LDI r3, 1f
	mtspr SRR0, r3
	LDI r3, 0xc000
	mtspr SRR1, r3
	rfi
1:	mfspr r4, TSR
	mtspr TCR, r4
	RES r18
	li r3, 0
	stw r3, P_EXIT(r28)
2:	b 2b
#include "epilogue.S"
