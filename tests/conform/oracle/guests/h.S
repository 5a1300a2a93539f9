/* (h) decrementer and watchdog through idle, auto-reload, EPR exits, guest debug from userspace */
#include "prologue.S"
.macro IDLE bits
	LDI r3, 0x00040000|\bits
	mtmsr r3
.endm
main:
	li r17, 0
	MARK 1
	/* decrementer wakes an idle guest */
	LDI r3, 0x04000000
	mtspr TCR, r3
	LDI r3, 40000
	mtspr DECSPR, r3
	IDLE 0x8000
	RES r17
	MARK 2
	/* auto-reload: DEC starts again by itself */
	LDI r3, 40000
	mtspr DECAR, r3
	LDI r3, 0x04400000
	mtspr TCR, r3
	LDI r3, 40000
	mtspr DECSPR, r3
	IDLE 0x8000
	RES r17
	IDLE 0x8000
	RES r17
	LDI r3, 0
	mtspr TCR, r3
	mtspr DECSPR, r3
	mfspr r4, DECSPR
	RES r4
	LDI r3, 0x0c000000
	mtspr TSR, r3
	mfspr r4, TSR
	RES r4
	MARK 3
	/* EPR exits: edge and level */
	li r3, 86
	stw r3, P_CAP(r28)
	wrteei 1
	li r3, -1
	stw r3, P_IRQ(r28)
	mfspr r4, 702
	RES r4
	li r16, 2
	li r3, -3
	stw r3, P_IRQ(r28)
	nop
	mfspr r4, 702
	RES r4
	wrteei 0
	MARK 4
	/* userspace single-steps */
	li r3, 3
	stw r3, P_DBG(r28)
	li r5, 1
	li r6, 2
	li r4, 0
	mtmsr r4
	li r7, 3
	li r8, 4
	mfmsr r9
	li r10, 5
	mfspr r4, 308		/* EDM is set */
	mtspr 308, r5		/* ignored */
	li r11, 6
	stw r11, P_DATA(r28)
	li r12, 7
	li r12, 8
	nop
	nop
	nop
	MARK 5
	/* software breakpoints of userspace */
	LDI r3, 0x10001
	stw r3, P_DBG(r28)
	.long 0x00dddd00
	li r3, 0
	stw r3, P_DBG(r28)
	MARK 6
	/* watchdog: ENW, WIS and its interrupt, the last one to userspace */
	li r3, 83
	stw r3, P_CAP(r28)
	LDI r3, 0xc0000000
	mtspr TSR, r3
	LDI r3, 0x58160000	/* WP=1 WPEXT=11: period 45; WRC=1, WIE */
	mtspr TCR, r3
	LDI r3, 0x20000000	/* WRC keeps its value */
	mfspr r4, TCR
	RES r4
	IDLE 0x20000
	RES r18
	mfspr r4, TSR
	RES r4
	LDI r3, 0x00060000
	mtmsr r3
	EXIT
hcrit:
	mfspr r20, CSRR1
	RES r20
	mfspr r21, TSR
	RES r21
	LDI r21, 0x50160000	/* WIE off */
	mtspr TCR, r21
	addi r18, r18, 1
	rlwinm r20, r20, 0, 14, 12
	mtspr CSRR1, r20
	rfci
hdec:
	LDI r20, 0x08000000
	mtspr TSR, r20
	addi r17, r17, 1
	mfspr r22, SRR1
	rlwinm r22, r22, 0, 14, 12
	mtspr SRR1, r22
	rfi
hext:
	mfspr r20, 702
	RES r20
	addi r17, r17, 1
	cmpwi r16, 0
	beq 1f
	addi r16, r16, -1
	cmpwi r16, 0
	bne 1f
	li r3, -2
	stw r3, P_IRQ(r28)
1:	rfi
hother:
	stw r20, P_STATE(r28)
	EXIT
	.org 0x10000
	VEC 0, hother
	VEC 1, hother
	VEC 2, hother
	VEC 3, hother
	VEC 4, hext
	VEC 5, hother
	VEC 6, hother
	VEC 7, hother
	VEC 8, hother
	VEC 9, hother
	VEC 10, hdec
	VEC 11, hother
	VEC 12, hcrit
	VEC 13, hother
	VEC 14, hother
	VEC 15, hother
