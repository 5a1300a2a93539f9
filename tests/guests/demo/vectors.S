/* SPDX-License-Identifier: Apache-2.0
 *
 * Interrupts: sixteen vectors at IVPR, one way in and out, and the handlers. Every handler runs with MSR[EE] = 0, so
 * one frame is enough for all of them but the TLB misses: those can happen inside a handler (a system call reads its
 * caller's memory), and have a frame of their own.
 *
 * In PR mode KVM takes each mtspr, mfspr and rfi here as an exit of its own: one miss costs about ten. That is what the
 * magic page is for.
 */
#include "book.h"

/* A vector parks r1 in an SPRG and saves the rest in one instruction. 32 bytes each. */
.macro  vector  number, handler, sprg=SPRG0, frame=base_frame, way=enter
        .balign 32
        mtspr   \sprg, r1
        lis     r1, \frame@ha
        stmw    r0, \frame@l(r1)
        addi    r1, r1, \frame@l
        li      r3, \number
        lis     r4, \handler@ha
        addi    r4, r4, \handler@l
        b       \way
.endm

        .section .vectors, "ax"
        .globl  vectors
vectors:
        vector  0, unexpected           /* critical input */
        vector  1, unexpected           /* machine check */
        vector  2, data_storage
        vector  3, unexpected           /* instruction storage */
        vector  4, external
        vector  5, unexpected           /* alignment */
        vector  6, program
        vector  7, unexpected           /* floating point unavailable */
        vector  8, system_call
        vector  9, unexpected           /* auxiliary processor unavailable */
        vector  10, decrementer
        vector  11, unexpected          /* fixed interval timer */
        vector  12, unexpected          /* watchdog */
        vector  13, tlb_miss, SPRG1, miss_frame, enter_miss     /* data TLB */
        vector  14, tlb_miss, SPRG1, miss_frame, enter_miss     /* instruction TLB */
        vector  15, unexpected          /* debug */

/* way in: r1 = frame, r3 = number of the vector, r4 = handler, which gets the frame in r3 and the number in r4 */
.macro  way_in
        frame_save SRR0, SRR1
        mtctr   r4
        address r5, counts
        slwi    r6, r3, 2
        lwzx    r7, r5, r6
        addi    r7, r7, 1
        stwx    r7, r5, r6
        mr      r4, r3
        mr      r3, r1
        stwu    r1, -16(r1)
        bctrl
        addi    r1, r1, 16
.endm

.macro  way_out sprg
        frame_restore SRR0, SRR1
        mfspr   r1, \sprg
        rfi
.endm

        .text
enter:  way_in
        way_out SPRG0
enter_miss:
        way_in
        way_out SPRG1

/* A TLB miss. The core has prepared a whole entry from MAS4: MAS0 names the victim in TLB0, MAS1 has V, TID and TS, MAS2
 * the page and its attributes. What it cannot know is where the page is and who may do what: MAS3 and MAS7. */
tlb_miss:
        mfspr   r5, MAS2
        clrrwi  r5, r5, 12
        address r6, regions - 4
1:      lwzu    r7, 4(r6)               /* first address */
        lwzu    r8, 4(r6)               /* bytes; 0 ends the table */
        lwzu    r9, 4(r6)               /* where in memory | permissions */
        cmpwi   r8, 0
        beq     unexpected
        subf    r7, r7, r5
        cmplw   r7, r8
        bge     1b
        add     r9, r9, r7
        li      r10, 0
        mtspr   MAS3, r9
        mtspr   MAS7, r10
        tlbwe                           /* rfi synchronizes */
        blr

        .section .rodata
        .balign 4
regions:
        .long   WINDOW_EA, WINDOW_PAGES * 4096, WINDOW_PA + (SR | SW)
        .long   CROWD_EA, CROWD_PAGES * CROWD_STRIDE, CROWD_PA + (SR | SW)
        .long   USER_EA, 4096, user_page + (UX | UR | SR)
        .long   0, 0, 0
        .text

/* A page that may not be used like this. From user mode: note it, and go on behind the instruction. */
data_storage:
        lwz     r5, F_SRR1(r3)
        andi.   r5, r5, MSR_PR
        beq     unexpected
skip:   lwz     r5, F_SRR0(r3)
        addi    r5, r5, 4
        stw     r5, F_SRR0(r3)
        blr

/* A program interrupt from user mode: note which kind, and go on behind the instruction. */
program:
        lwz     r5, F_SRR1(r3)
        andi.   r5, r5, MSR_PR
        beq     unexpected
        mfspr   r5, ESR
        address r6, program_esr
        lwz     r7, 0(r6)
        or      r7, r7, r5
        stw     r7, 0(r6)
        b       skip

/* The serial port asks: its transmitter is empty. In proxy mode the core has acknowledged the MPIC already. Reading IIR
 * takes the request back, EOI lets the next one come. */
external:
        mfspr   r5, EPR
        address r6, external_vector
        stw     r5, 0(r6)
        li32    r7, CCSR_EA + UART
        lbz     r8, IIR(r7)
        li      r8, 0
        stb     r8, IER(r7)
        li32    r7, CCSR_EA + MPIC_EOI
        stw     r8, 0(r7)
        blr

/* The decrementer reached zero. Whoever waited with MSR[WE] finds it in SRR1: returning with it would wait again. */
decrementer:
        lis     r5, TSR_DIS@h
        mtspr   TSR, r5
        address r6, ticks
        lwz     r7, 0(r6)
        addi    r7, r7, 1
        stw     r7, 0(r6)
        lwz     r5, F_SRR1(r3)
        rlwinm  r5, r5, 0, 14, 12       /* all but WE */
        stw     r5, F_SRR1(r3)
        blr

/* System calls: r0 = 1 prints the string at r3, anything else ends the user program. */
system_call:
        lwz     r5, 0(r3)
        cmpwi   r5, 1
        bne     1f
        lwz     r3, 12(r3)
        b       puts
1:      address r5, user_done
        stw     r5, F_SRR0(r3)
        li32    r6, MSR_ME
        stw     r6, F_SRR1(r3)
        blr

/* An interrupt that nothing here causes on purpose: say so, and reset. */
unexpected:
        mr      r20, r4
        lwz     r21, F_SRR0(r3)
        say     "unexpected interrupt %d at %x\n", r20, r21
        mfspr   r20, ESR
        mfspr   r21, DEAR
        say     "  ESR %x DEAR %x\n", r20, r21
        b       reset

        .globl  counts, ticks, external_vector, program_esr
        .bss
        .balign 16
counts: .space  16 * 4                  /* interrupts taken, by vector */
ticks:  .space  4                       /* decrementer interrupts handled */
external_vector: .space 4               /* what EPR said */
program_esr:     .space 4               /* all ESR bits that program interrupts came with */
        .balign 16
        .space  512                     /* the handlers' stack */
base_frame: .space F_SIZE
        .space  256
miss_frame: .space F_SIZE
