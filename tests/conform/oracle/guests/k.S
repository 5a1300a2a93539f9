/* (k) watchdog: ENW, WIS, its interrupt, a reset of TSR that rearms it, the last one to userspace, all while idle */
#include "prologue.S"
.macro WAITCE
	LDI r3, 0x00060000
	mtmsr r3
.endm
main:	li r18, 0
	li r3, 83
	stw r3, P_CAP(r28)
	MARK 1
	LDI r3, 0xc0000000
	mtspr TSR, r3
	LDI r3, 0x48160000	/* WP 01, WPEXT 1011, WIE; no WRC: the last expiry does nothing */
	mtspr TCR, r3
	WAITCE
	RES r18
	mfspr r4, TSR
	RES r4
	MARK 2
	/* again from the beginning, and this time with EE and an external interrupt first */
	LDI r3, 0xc0000000
	mtspr TSR, r3
	LDI r3, 0x48160000
	mtspr TCR, r3
	li r3, -1
	stw r3, P_IRQ(r28)
	LDI r3, 0x00068000
	mtmsr r3
	RES r18
	MARK 3
	LDI r3, 0xc0000000
	mtspr TSR, r3
	LDI r3, 0x68160000	/* WRC */
	mtspr TCR, r3
	WAITCE
	mfspr r4, TCR
	RES r4
	MARK 4
	WAITCE
	MARK 0x66
	EXIT
hcrit:	addi r18, r18, 1
	mfspr r20, 58
	mfspr r20, 59
	RES r20
	mfspr r21, TSR
	RES r21
	mfspr r21, TCR
	rlwinm r21, r21, 0, 5, 3	/* WIE off */
	mtspr TCR, r21
	rlwinm r20, r20, 0, 14, 12
	mtspr 59, r20
	rfci
hext:	mfspr r20, SRR1
	RES r20
	rfi
hother:	stw r20, P_STATE(r28)
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
	VEC 10, hother
	VEC 11, hother
	VEC 12, hcrit
	VEC 13, hother
	VEC 14, hother
	VEC 15, hother
