/* (n) PIDs and rights: each set of rights of a page, read, written and run from both modes; pages of other PIDs and ASs */
#define HANDLER_HOOK bl hook
#include "prologue.S"
hook:	li r26, 0
	cmpwi r20, 8
	bne 1f
	li r26, 1
	cmpwi r15, 1
	bne 2f
	li r15, 0
	rlwinm r22, r22, 0, 18, 16
	mtspr SRR1, r22
2:	blr
1:	cmpwi r20, 3
	beq 3f
	cmpwi r20, 14
	beq 3f
	blr
3:	mtspr SRR0, r12		/* back to where it was called from */
	li r26, 1
	blr
page:	/* r5: MAS3, r6: EA, r7: MAS1 */
	li r3, 0
	mtspr MAS0, r3
	mtspr MAS7, r3
	mtspr MAS1, r7
	mtspr MAS2, r6
	mtspr MAS3, r5
	tlbwe
	blr
use:	/* read, write, run; r12 is where to go on after a fetch that fails */
	lwz r4, 0(r6)
	stw r4, 4(r6)
	mflr r11
	LDI r12, 1f
	mtctr r6
	bctrl
1:	mtlr r11
	blr
/* in_both: use the page as supervisor and as user, and come back by a system call */
	.macro in_both
	bl use
	LDI r3, 1f
	mtspr SRR0, r3
	LDI r3, 0x4000
	mtspr SRR1, r3
	rfi
1:	bl use
	li r15, 1
	sc
	.endm
	.macro right mas3, ea, mas1
	LDI r5, \mas3
	LDI r6, \ea
	LDI r7, \mas1
	bl page
	in_both
	.endm
	.macro of_pid mas3, ea, mas1, pid
	LDI r5, \mas3
	LDI r6, \ea
	LDI r7, \mas1
	bl page
	li r3, \pid
	mtspr PID, r3
	in_both
	li r3, 0
	mtspr PID, r3
	.endm
main:	li r15, 0
	LDI r10, 0x00104000
	LDI r3, 0x4e800020	/* blr */
	stw r3, 0(r10)
	MARK 1
	right 0x10403f, 0xb0001000, 0x80000100
	right 0x104015, 0xb0002000, 0x80000100
	right 0x10402a, 0xb0003000, 0x80000100
	right 0x104001, 0xb0004000, 0x80000100
	right 0x104002, 0xb0005000, 0x80000100
	right 0x104003, 0xb0006000, 0x80000100
	right 0x104005, 0xb0007000, 0x80000100
	right 0x10400a, 0xb0008000, 0x80000100
	right 0x10400f, 0xb0009000, 0x80000100
	right 0x104011, 0xb000a000, 0x80000100
	right 0x104022, 0xb000b000, 0x80000100
	right 0x104033, 0xb000c000, 0x80000100
	right 0x104000, 0xb000d000, 0x80000100
	right 0x104030, 0xb000e000, 0x80000100
	MARK 2
	of_pid 0x10403f, 0xa000f000, 0x80010100, 0
	of_pid 0x10403f, 0xa0010000, 0x80010100, 1
	of_pid 0x10403f, 0xa0011000, 0x80010100, 2
	of_pid 0x10403f, 0xa0012000, 0x80000100, 2
	of_pid 0x10403f, 0xa0013000, 0x80020100, 2
	of_pid 0x10403f, 0xa0014000, 0x80020100, 1
	of_pid 0x10403f, 0xa0015000, 0x80ff0100, 255
	of_pid 0x10403f, 0xa0016000, 0x80ff0100, 511
	MARK 3
	/* user bits U0-U3, attributes, an entry of the other address space */
	LDI r5, 0x001043ff
	LDI r6, 0xa0100067
	LDI r7, 0x80000100
	bl page
	rlwinm r6, r6, 0, 0, 19
	bl use
	LDI r5, 0x0010403f
	LDI r6, 0xa0101000
	LDI r7, 0x80001100
	bl page
	lwz r4, 0(r6)
	MARK 4
	stw r3, P_STATE(r28)
	EXIT
#include "epilogue.S"
