/* Bare-metal program for QEMU's ppce500 with -cpu e500v2_v30: runs one SPE instruction per record and writes what it
 * left behind to the UART. Records are loaded at 16 MiB: a count, a zero, then 64 bytes each:
 *   instruction, SPEFSCR, CR, zero; RA (r1), RB (r2), RT (r4), ACC, memory at 0x20800080, zero, of 8 bytes each
 * and per record come out 36 bytes: RT, ACC, memory, SPEFSCR, CR, 1 if a Program interrupt was taken else 0.
 * Tests make the instruction use r4 <- r1, r2 and CR2. ACC is read by adding a product of zeros to it.
 */
	.machine e500
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
	lis	30, 0x2100		/* records */
	lis	29, 0xE000
	ori	29, 29, 0x4500		/* UART */
	lis	28, slot@ha
	addi	28, 28, slot@l
	lis	27, 0x0200		/* MSR[SPE] */
	mtmsr	27
	isync
	lis	26, 0x2080
	ori	26, 26, 0x0080		/* the memory operand */
	lis	25, zero@ha
	addi	25, 25, zero@l
	lwz	31, 0(30)
	addi	30, 30, 8
	mtctr	31
next:
	lwz	3, 0(30)
	stw	3, 0(28)
	dcbst	0, 28
	sync
	icbi	0, 28
	isync
	evldd	5, 40(30)
	evmra	5, 5
	evldd	5, 48(30)
	evstdd	5, 0(26)
	lwz	3, 4(30)
	mtspr	512, 3
	lwz	3, 8(30)
	mtcr	3
	evldd	1, 16(30)
	evldd	2, 24(30)
	evldd	4, 32(30)
	li	24, 0
	mtlr	28
	blrl
	mfcr	6
	mfspr	7, 512
	evstdd	4, 0(25)
	li	10, 0
	evmwumiaa 5, 10, 10
	evstdd	5, 8(25)
	lwz	3, 0(25)
	bl	word
	lwz	3, 4(25)
	bl	word
	lwz	3, 8(25)
	bl	word
	lwz	3, 12(25)
	bl	word
	lwz	3, 0(26)
	bl	word
	lwz	3, 4(26)
	bl	word
	mr	3, 7
	bl	word
	mr	3, 6
	bl	word
	mr	3, 24
	bl	word
	addi	30, 30, 64
	bdnz	next
	lis	29, 0xE00E
	li	3, 2
	stw	3, 0xB0(29)		/* reset: ends QEMU under -no-reboot */
1:	b	1b

word:	rlwinm	5, 3, 8, 24, 31
	stb	5, 0(29)
	rlwinm	5, 3, 16, 24, 31
	stb	5, 0(29)
	rlwinm	5, 3, 24, 24, 31
	stb	5, 0(29)
	stb	3, 0(29)
	blr

	.balign	4096
program:				/* note it, and skip the instruction */
	mfspr	20, 26
	addi	20, 20, 4
	mtspr	26, 20
	li	24, 1
	rfi

	.balign	4096
slot:	nop
	blr
	.balign	4096
zero:	.space	64
