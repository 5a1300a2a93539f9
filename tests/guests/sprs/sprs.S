/* SPDX-License-Identifier: Apache-2.0
 *
 * The guest of SPR exits: it uses an SPR that no KVM knows, DBCR0 and EPR, and says what came of each (Alexander Graf and
 * Avi Kivity, "KVM: PPC: expose SPRs to user space", October 2012). On DBCR0 it asks for a debug interrupt, and in the end
 * for the machine's reset; EPR it reads twice in one interrupt. With DCRS it uses a device control
 * register first, as a 440 has them.
 *
 * Whatever fails takes a program interrupt, which skips the instruction. Then the board's reset register ends the run.
 */
#include "book.h"

#define CSRR1     59
#define DBSR      304
#define DBCR0     308
#define IAC1      312
#define DSRR1     575
#define UNKNOWN   976           /* privileged by its number, and on no core */
#define MSR_DE    0x00000200
#define DBCR0_IDM 0x40000000
#define DBCR0_RST 0x30000000
#define DBCR0_IAC1 0x00800000
#define MPIC_IACK 0x600A0
#define MPIC_IPIVPR 0x410A0     /* an interrupt between processors: acknowledged once, it is gone */
#define MPIC_IPIDR  0x60040
#define VECTOR    42
#define HOT       16
#define PATIENCE  2000
#define DCRN      0x0C5

        .section .vectors, "ax"
        .globl  vectors, program, external
vectors:
program:                                /* r25 = why, r24 is gone */
        mfspr   r25, ESR
        mfspr   r24, SRR0
        addi    r24, r24, 4
        mtspr   SRR0, r24
        rfi

        .balign 32
external:                               /* r20, r21 = EPR, r19 = IACK, r29 = 1; r24, r26, r27, r28 are gone */
        mfspr   r26, SRR0
        mfspr   r27, SRR1
        li      r25, 0
        .globl  first_epr, second_epr
first_epr:
        mfspr   r20, EPR
second_epr:
        mfspr   r21, EPR
        li      r24, 0
        cmpwi   r25, 0
        bne     1f
        cmpwi   r20, 0
        bne     2f
1:      li32    r28, CCSR_EA + MPIC_IACK /* EPR says nothing: acknowledge as it was done before there was one */
        lwz     r19, 0(r28)
        li      r24, 0
2:      li32    r28, CCSR_EA + MPIC_EOI
        stw     r24, 0(r28)
        mtspr   SRR0, r26
        mtspr   SRR1, r27
        li      r29, 1
        rfi

.macro  debug_handler name, save, return
        .balign 32
\name:  mfspr   r28, DBSR               /* r22 = 1; r28 is gone */
        mtspr   DBSR, r28
        mfspr   r28, \save
        rlwinm  r28, r28, 0, 23, 21     /* MSR[DE] off */
        mtspr   \save, r28
        li      r22, 1
        \return
.endm
        debug_handler debug_v2, CSRR1, rfci
        debug_handler debug_mc, DSRR1, rfdi

        .text
        .globl  _start, unknown, debug, watched, interrupts, reset
_start: address r1, stack_top
        lis     r3, MAS0_TLB1(1)@h
        mtspr   MAS0, r3
        li32    r3, MAS1_V | MAS1_1M
        mtspr   MAS1, r3
        li32    r3, CCSR_EA | MAS2_I_G
        mtspr   MAS2, r3
        li32    r3, CCSR_PA_LOW | SR | SW
        mtspr   MAS3, r3
        li      r3, CCSR_PA_HIGH
        mtspr   MAS7, r3
        tlbwe
        isync
        lis     r3, vectors@h
        mtspr   IVPR, r3
        li      r3, program@l
        mtspr   IVOR(6), r3
        li      r3, external@l
        mtspr   IVOR(4), r3
        mfspr   r4, PVR
        srwi    r4, r4, 16
        cmplwi  r4, 0x8021
        li      r3, debug_v2@l
        beq     1f
        li      r3, debug_mc@l
1:      mtspr   IVOR(15), r3
        li      r3, MSR_ME
        mtmsr   r3
        isync

#ifdef DCRS
        .globl  dcrs
dcrs:   li      r25, 0
        li32    r3, 0x12345678
        mtdcr   DCRN, r3
        li      r23, -1
        mfdcr   r23, DCRN
        li      r4, DCRN
        li      r15, -1
        mfdcrx  r15, r4
        cmpwi   r25, 0
        beq     1f
        say     "DCR: a program interrupt, ESR %x\n", r25
        b       unknown
1:      say     "DCR: %x was written, %x and %x are read\n", r3, r23, r15
#endif

unknown:
        li      r25, 0
        li      r23, -1
        mfspr   r23, UNKNOWN
        mr      r14, r25
        cmpwi   r14, 0
        beq     1f
        say     "unknown SPR: a program interrupt, ESR %x\n", r14
        b       debug
1:      li      r3, 0x5678
        mtspr   UNKNOWN, r3
        li      r3, HOT
        mtctr   r3
2:      mfspr   r15, UNKNOWN
        bdnz    2b
        say     "unknown SPR: %x is read, and %x after 5678 was written\n", r23, r15

debug:  li      r22, 0
        li      r25, 0
        address r3, watched
        mtspr   IAC1, r3
        li32    r3, DBCR0_IDM | DBCR0_IAC1
        mtspr   DBCR0, r3
        isync
        mfspr   r14, DBCR0
        mfmsr   r3
        ori     r3, r3, MSR_DE
        mtmsr   r3
        isync
watched:
        nop
        li      r3, MSR_ME
        mtmsr   r3
        isync
        li      r3, 0
        mtspr   DBCR0, r3
        say     "DBCR0: %x is read, %d debug interrupt\n", r14, r22

interrupts:
        li32    r4, CCSR_EA + MPIC_GCR
        lis     r5, GCR_RESET@h
        stw     r5, 0(r4)
1:      lwz     r5, 0(r4)
        andis.  r5, r5, GCR_RESET@h
        bne     1b
        lis     r5, GCR_PROXY@h
        stw     r5, 0(r4)
        li32    r4, CCSR_EA + MPIC_IPIVPR
        li32    r5, 8 << 16 | VECTOR
        stw     r5, 0(r4)
        li32    r4, CCSR_EA + MPIC_CTPR
        li      r5, 0
        stw     r5, 0(r4)
        li      r20, -1
        li      r21, -1
        li      r29, 0
        li32    r4, CCSR_EA + MPIC_IPIDR
        li      r5, 1                   /* to CPU 0, ourselves */
        stw     r5, 0(r4)
        li      r3, PATIENCE
        mtctr   r3
        wrteei  1
2:      cmpwi   r29, 0
        bne     3f
        bdnz    2b
3:      wrteei  0
        cmpwi   r29, 0
        bne     4f
        say     "EPR: no interrupt came\n"
        b       reset
4:      cmpwi   r25, 0
        beq     5f
        say     "EPR: a program interrupt, ESR %x; IACK says vector %d\n", r25, r19
        b       reset
5:      say     "EPR: vector %d, and read again %d\n", r20, r21

reset:  lis     r3, DBCR0_RST@h
        mtspr   DBCR0, r3
        isync
        say     "DBCR0[RST]: nothing happened\n"
        li32    r4, CCSR_EA + RSTCR
        li      r3, 2
        stw     r3, 0(r4)
1:      b       1b

        .bss
        .balign 64
        .space  1024
stack_top:
        .space  16
