/* (q) what a guest has of the debug registers and of the performance monitor: masks, unknown ones, PMRs, user mode */
#define HANDLER_HOOK bl hook
#include "prologue.S"
hook:	li r26, 0
	blr
.macro PUT spr
	li r3, -1
	mtspr \spr, r3
	mfspr r4, \spr
	RES r4
	li r3, 0
	mtspr \spr, r3
.endm
main:	MARK 1
	PUT 309
	PUT 310
	PUT 312
	PUT 313
	PUT 314		/* IAC3, IAC4, DVC1, DVC2, DBCR4: unknown */
	PUT 315
	PUT 316
	PUT 317
	PUT 318
	PUT 319
	PUT 563
	MARK 2
	LDI r3, 0x02008061	/* DBCR0 IRPT, RET, CIRPT, CRET, FT: dropped */
	mtspr 308, r3
	mfspr r4, 308
	RES r4
	li r3, 0
	mtspr 308, r3
	MARK 3
	li r4, 0x55
	.long 0x7c90029c	/* mfpmr r4, PMC0 */
	RES r4
	.long 0x7c90039c	/* mtpmr PMC0, r4 */
	.long 0x7c90629c	/* mfpmr r4, PMGC0 */
	RES r4
	.long 0x7c80029c	/* mfpmr r4, UPMC0 */
	RES r4
	MARK 4
	LDI r3, 1f
	mtspr SRR0, r3
	LDI r3, 0x4000
	mtspr SRR1, r3
	rfi
1:	mfspr r4, 304
	mfspr r4, 308
	mfspr r4, 312
	.long 0x7c90029c
	li r19, 5
	stw r19, P_MARK(r28)
	li r3, 0
	stw r3, P_EXIT(r28)
2:	b 2b
#include "epilogue.S"
