/* SPDX-License-Identifier: Apache-2.0
 *
 * The window: three instructions that Linux replaces by paravirtual critical sections, and then nothing that exits.
 *
 * Each site is as Linux leaves it when it has patched itself (arch/powerpc/kernel/kvm.c): a branch to a block of its own,
 * made from the templates of kvm_emul.S. An interrupt that comes after a block has read int_pending and before it has
 * left the section is withheld by KVM, and nobody looks again: the guest idles without a tick, and it is lost. That is the
 * guest for `ppcdbg race`; run by itself it idles for ever.
 */
#include "book.h"

#define M_SCRATCH1      (MAGIC + 0x00)
#define M_SCRATCH2      (MAGIC + 0x08)
#define M_SCRATCH3      (MAGIC + 0x10)
#define MSR_CE          0x00020000
#define MSR_RI          0x00000002
#define TCR_WIE         0x08000000
#define TSR_ENW_WIS     0xC0000000

.macro  save                            /* C1..C5 */
        stw     r1, M_CRITICAL + 4(0)
        stw     r31, M_SCRATCH1(0)
        stw     r30, M_SCRATCH2(0)
        mfcr    r31
        stw     r31, M_SCRATCH3(0)
.endm

.macro  restore                         /* X1..X5 */
        lwz     r31, M_SCRATCH1(0)
        lwz     r30, M_SCRATCH3(0)
        mtcr    r30
        lwz     r30, M_SCRATCH2(0)
        stw     r2, M_CRITICAL + 4(0)
.endm

.macro  handler kind                    /* one frame on the interrupted stack; back with everything as it was */
        stwu    r1, -32(r1)
        stw     r3, 8(r1)
        stw     r4, 12(r1)
        address r4, taken
        lwz     r3, 4 * \kind(r4)
        addi    r3, r3, 1
        stw     r3, 4 * \kind(r4)
#ifdef NESTED                           /* a section of the handler's own, as those of Linux have */
        stw     r31, 16(r1)
        mr      r31, r3
        save
        restore
        lwz     r31, 16(r1)
#endif
.endm

.macro  leave
        lwz     r4, 12(r1)
        lwz     r3, 8(r1)
        addi    r1, r1, 32
.endm

        .section .vectors, "ax"
        .globl  vectors
vectors:
        handler 0                       /* external: an edge, or a line that its device lets go */
        leave
        rfi
        .balign 256
        handler 1                       /* decrementer */
        lis     r3, TSR_DIS@h
        mtspr   TSR, r3
        leave
        rfi
        .balign 256
        handler 2                       /* watchdog, a critical interrupt */
        lis     r3, TSR_ENW_WIS@h
        mtspr   TSR, r3
        leave
        rfci

        .text
        .globl  _start, wrteei_1, wrteei_0, mtmsr, idle, block_wrteei_1, block_wrteei_0, block_mtmsr
_start: address r1, stack_top - 64
        lis     r2, 0x7FFF              /* `current`, which is never a stack pointer */
        lis     r3, vectors@h
        mtspr   IVPR, r3
        li      r3, 0
        mtspr   IVOR(4), r3
        li      r3, 256
        mtspr   IVOR(10), r3
        li      r3, 512
        mtspr   IVOR(12), r3
        lis     r3, (TCR_DIE | TCR_WIE)@h
        mtspr   TCR, r3                 /* no timer runs: what comes, comes from outside */
        li      r3, MAGIC
        li      r4, MAGIC | MAGIC_NX
        li32    r11, KVM_HC_MAP_MAGIC
        li32    r0, 0x4B564D21
        sc
        nop
        cmpwi   r3, 0
        bne     idle                    /* no magic page: the sites must not run */
        li32    r3, MSR_CE | MSR_ME
        mtmsr   r3
        lwz     r3, M_MSR + 4(0)        /* maps the page and ours */
        address r4, taken
        lwz     r5, 0(r4)
        stw     r5, -4(r1)
        li32    r31, 0x31313131         /* what the sections must give back */
        li32    r30, 0x30303030
        li32    r6, MSR_CE | MSR_ME | MSR_EE
        cmpw    r31, r2

wrteei_1:
        b       block_wrteei_1
        addi    r5, r5, 1
        addi    r5, r5, 1
wrteei_0:
        b       block_wrteei_0
        addi    r5, r5, 1
        addi    r5, r5, 1
mtmsr:  b       block_mtmsr
        addi    r5, r5, 1
idle:   xori    r5, r5, 1
        b       idle

block_wrteei_1:
        save
        lwz     r31, M_MSR + 4(0)       /* W1 */
        li      r30, -0x8000            /* W2: MSR_EE, in the slot for the register */
        rlwimi  r31, r30, 0, 16, 16     /* W3 */
        andi.   r30, r30, MSR_EE        /* W4 */
        stw     r31, M_MSR + 4(0)
        beq     1f                      /* W5 */
        lwz     r30, M_INT_PENDING(0)   /* W6 */
        cmpwi   r30, 0
        bne     2f
1:      restore
3:      b       wrteei_1 + 4
2:      restore
        wrteei  1
        b       3b

block_wrteei_0:
        save
        lwz     r31, M_MSR + 4(0)       /* E1 */
        rlwinm  r31, r31, 0, 17, 15     /* E2 */
        stw     r31, M_MSR + 4(0)       /* E3 */
        restore
        b       wrteei_0 + 4

block_mtmsr:
        save
        lwz     r31, M_MSR + 4(0)       /* M1 */
        ori     r30, r6, 0              /* M2 */
        xor     r31, r30, r31
        lis     r30, ~(MSR_EE | MSR_RI)@h       /* M3: what needs the real one */
        ori     r30, r30, ~(MSR_EE | MSR_RI)@l
        and.    r31, r31, r30
        beq     2f
1:      restore
        mtmsr   r6
        b       mtmsr + 4
2:      ori     r30, r6, 0              /* M4 */
        stw     r30, M_MSR + 4(0)
        lwz     r31, M_INT_PENDING(0)   /* M5 */
        cmpwi   r31, 0
        beq     3f
        andi.   r31, r30, MSR_EE        /* M6 */
        bne     1b
3:      restore                         /* M7 */
        b       mtmsr + 4

        .globl  kvm_tmp                 /* room for more, as Linux has it behind its blocks */
kvm_tmp: .space 64

        .bss
        .balign 16
taken:  .space  16                      /* interrupts, by kind */
        .space  1024
stack_top:
        .space  16
