/* Bare-metal program for QEMU's ppce500 with -cpu e500mc: runs one floating-point instruction per record and writes
 * what it left behind to the UART. Records are loaded at 16 MiB: a count, then 40 bytes each:
 *   instruction, FPSCR before, FRA (f1), FRB (f2), FRC (f3), FRT before (f4)
 * and per record come out 20 bytes: FRT, FPSCR, CR, 1 if a Program interrupt was taken else 0.
 * Tests make the instruction use f4 <- f1, f2, f3 and CR2. MSR[FE0,FE1] are set while it runs, not while FPSCR is set up.
 * A system call in between makes QEMU forget the enabled exceptions of the setting up.
 */
	.machine e500mc
	.section .text
	.globl _start
_start:
	lis	1, 0x1001		/* TLB1[1]: EA 0xE0000000 -> PA 0xF_E0000000, 1 MiB, I G, supervisor read and write */
	mtspr	624, 1
	lis	1, 0x8000
	ori	1, 1, 0x0500
	mtspr	625, 1
	lis	1, 0xE000
	ori	1, 1, 0x000A
	mtspr	626, 1
	lis	1, 0xE000
	ori	1, 1, 0x0005
	mtspr	627, 1
	li	1, 0xF
	mtspr	944, 1
	tlbwe
	lis	1, 0x1002		/* TLB1[2]: EA 0x20000000 -> PA 0, 256 MiB */
	mtspr	624, 1
	lis	1, 0x8000
	ori	1, 1, 0x0900
	mtspr	625, 1
	lis	1, 0x2000
	mtspr	626, 1
	li	1, 0x15
	mtspr	627, 1
	li	1, 0
	mtspr	944, 1
	tlbwe
	isync
	lis	1, program@ha
	addi	1, 1, program@l
	rlwinm	2, 1, 0, 0, 15
	mtspr	63, 2			/* IVPR */
	rlwinm	2, 1, 0, 16, 27
	mtspr	406, 2			/* IVOR6 */
	addi	2, 2, 64
	mtspr	408, 2			/* IVOR8 */
	lis	30, 0x2100		/* records */
	lis	29, 0xE000
	ori	29, 29, 0x4500		/* UART */
	lis	28, slot@ha
	addi	28, 28, slot@l
	li	27, 0x2000		/* MSR[FP] */
	ori	26, 27, 0x900		/* and FE0, FE1 */
	lis	25, zero@ha
	addi	25, 25, zero@l
	lwz	31, 0(30)
	addi	30, 30, 8
	mtctr	31
next:
	mtmsr	27
	isync
	lwz	3, 0(30)
	stw	3, 0(28)
	dcbst	0, 28
	sync
	icbi	0, 28
	isync
	lfd	5, 0(30)		/* low word: FPSCR */
	mtfsf	255, 5
	lfd	1, 8(30)
	lfd	2, 16(30)
	lfd	3, 24(30)
	lfd	4, 32(30)
	sc
	li	24, 0
	mtcr	24
	mflr	3
	mtmsr	26
	isync
	mtlr	28
	blrl
back:
	mfcr	5
	mtmsr	27
	isync
	stfd	4, 0(25)
	mffs	5
	stfd	5, 8(25)
	lwz	3, 0(25)
	bl	word
	lwz	3, 4(25)
	bl	word
	lwz	3, 12(25)
	bl	word
	mr	3, 5
	bl	word
	mr	3, 24
	bl	word
	addi	30, 30, 40
	bdnz	next
	lis	29, 0xE00E
	li	3, 2
	stw	3, 0xB0(29)		/* reset: ends QEMU under -no-reboot */
1:	b	1b

word:	rlwinm	4, 3, 8, 24, 31
	stb	4, 0(29)
	rlwinm	4, 3, 16, 24, 31
	stb	4, 0(29)
	rlwinm	4, 3, 24, 24, 31
	stb	4, 0(29)
	stb	3, 0(29)
	blr

	.balign	4096
program:				/* note it, and skip the instruction */
	mfspr	20, 26
	addi	20, 20, 4
	mtspr	26, 20
	li	24, 1
	rfi
	.balign	64
	rfi				/* system call: nothing */

	.balign	4096
slot:	nop
	blr
	.balign	4096
zero:	.space	64
