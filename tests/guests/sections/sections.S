/* SPDX-License-Identifier: Apache-2.0
 *
 * An interrupt at each instruction boundary of a paravirtual critical section, and what becomes of it.
 *
 * The section is Linux's replacement of `wrteei 1` (arch/powerpc/kernel/kvm_emul.S) with the decrementer set to expire 1, 2,
 * ... 40 instructions later. After it the guest computes, with nothing that exits, then leaves by itself. A point means
 * that the interrupt came before that; L that it came late: nobody told the guest, and no exit helped.
 *
 * Four rounds. `plain` is Linux's. `nop exit` and `notify` do after the section what those remedies ask of a guest;
 * `disordered` breaks the rule that the ordering remedy relies on: it stores to the magic page between its look at
 * int_pending and the end of the section.
 */
#include "book.h"

#define BOUNDARIES      40
#define MAGIC_NOTIFY    2               /* ppcdbg's: flag of MAP_MAGIC_PAGE, and its answer's bit 4 */
#define OFFERS_NOTIFY   4
#define NOTIFICATION    (MAGIC - 4096)
#define M_SCRATCH1      (MAGIC + 0x00)
#define M_SCRATCH2      (MAGIC + 0x08)
#define M_SCRATCH3      (MAGIC + 0x10)
#define M_SPRG0         (MAGIC + 0x20)

.macro  restore
        lwz     r31, M_SCRATCH1(0)
        lwz     r30, M_SCRATCH3(0)
        mtcr    r30
        lwz     r30, M_SCRATCH2(0)
        stw     r2, M_CRITICAL + 4(0)
.endm

/* enable: `wrteei 1`; disordered: store to the page once more where the rule forbids it. */
.macro  enable  disordered=0
        stw     r1, M_CRITICAL + 4(0)
        stw     r31, M_SCRATCH1(0)
        stw     r30, M_SCRATCH2(0)
        mfcr    r31
        stw     r31, M_SCRATCH3(0)
        lwz     r31, M_MSR + 4(0)
        li      r30, -0x8000            /* MSR_EE, and bits that nobody looks at */
        rlwimi  r31, r30, 0, 16, 16
        andi.   r30, r30, MSR_EE
        stw     r31, M_MSR + 4(0)
        beq     1f
        lwz     r30, M_INT_PENDING(0)
        .if     \disordered
        stw     r30, M_SPRG0 + 4(0)
        .endif
        cmpwi   r30, 0
        bne     2f
1:      restore
        b       3f
2:      restore
        wrteei  1
3:
.endm

/* One try: r15 = instructions until the interrupt. r14 says how far the guest is, r25 what it was at the interrupt. */
.macro  begin
        li      r14, 0
        li      r25, 3
        mtspr   DEC, r15
.endm

.macro  finish
        li      r14, 1
        li      r3, 200
        mtctr   r3
4:      bdnz    4b                      /* computes */
        li      r14, 2
        tlbsync                         /* leaves: an exit for nothing, with interrupts enabled */
        wrteei  0
        li      r3, 0
        mtspr   DEC, r3
        lis     r3, TSR_DIS@h
        mtspr   TSR, r3
        address r3, row - 1
        address r4, verdicts
        lbzx    r4, r4, r25
        stbx    r4, r3, r15
        addi    r15, r15, 1
        cmpwi   r15, BOUNDARIES + 1
.endm

        .section .vectors, "ax"
        .globl  vectors
vectors:
        .space  10 * 32
        lis     r24, TSR_DIS@h          /* 10: the decrementer */
        mtspr   TSR, r24
        mr      r25, r14
        rfi

        .text
        .globl  _start
_start: address r1, stack_top
        li      r2, 0
        map_devices
        isync
        li32    r4, CCSR_EA + UART
        li      r5, 1
        stb     r5, FCR(r4)
        lis     r3, vectors@h
        mtspr   IVPR, r3
        li      r3, 10 * 32
        mtspr   IVOR(10), r3
        lis     r3, TCR_DIE@h
        mtspr   TCR, r3
        li      r3, MAGIC
        li      r4, MAGIC | MAGIC_NX | MAGIC_NOTIFY
        li32    r11, KVM_HC_MAP_MAGIC
        li32    r0, 0x4B564D21
        sc
        nop
        mr      r20, r4
        cmpwi   r3, 0
        beq     plain
        say     "sections: there is no magic page here\n"
        b       reset

plain:  li      r15, 1
5:      begin
        enable
        finish
        blt     5b
        address r16, row
        say     "plain       %s\n", r16

        li      r15, 1
6:      begin
        enable
        tlbsync
        finish
        blt     6b
        address r16, row
        say     "nop exit    %s\n", r16

        andi.   r0, r20, OFFERS_NOTIFY
        beq     disordered
        li      r15, 1
7:      begin
        enable
        stw     r0, NOTIFICATION(0)
        finish
        blt     7b
        address r16, row
        say     "notify      %s\n", r16

disordered:
        li      r15, 1
8:      begin
        enable  1
        finish
        blt     8b
        address r16, row
        say     "disordered  %s\n", r16

reset:  li32    r4, CCSR_EA + RSTCR
        li      r5, 2
        stw     r5, 0(r4)
9:      b       9b

        .section .rodata
verdicts: .ascii ".-L?"

        .data
row:    .space  BOUNDARIES
        .byte   0

        .bss
        .balign 16
        .space  4096
stack_top:
        .space  16
