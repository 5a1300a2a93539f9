/* SPDX-License-Identifier: Apache-2.0
 *
 * Four guests that read their own instructions, as a hypervisor that rewrites them must expect (Avi Kivity, "Re:
 * re-writing on powerpc", 14 December 2010). HAZARD says which: 1 the guest checksums its text; 2 an instruction's word
 * is a constant as well; 3 the guest patches itself and looks first what stands there; 4 it generates code and reads it
 * back. Each executes an mfmsr and an mfspr, reads them, and prints whether it found what it put there.
 *
 * Where KVM offers the magic page, the guest rewrites these two itself, and knows what it did.
 */
#include "book.h"

#define HC_MAGIC        0x4B564D21
#define M_SPRG0         (MAGIC + 0x20)
#define MFMSR_R3        0x7C6000A6
#define MFSPRG0_R3      0x7C7042A6
#define MFSPRG1_R3      0x7C7142A6
#define LWZ_R3          0x80600000
#define BLR             0x4E800020

        .section .vectors, "ax"
        .globl  vectors
vectors:                                /* system call: there is no KVM */
        li      r3, -1
        rfi

        .text
        .globl  _start, patch_self, work, site_msr, site_sprg, text_end, verdict
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
        li      r3, 0
        mtspr   IVOR(8), r3
        li      r3, 0x50
        mtspr   SPRG0, r3
        li      r3, 0x51
        mtspr   SPRG1, r3
        li      r3, MAGIC
        li      r4, MAGIC | MAGIC_NX
        li32    r11, KVM_HC_MAP_MAGIC
        li32    r0, HC_MAGIC
        sc
        nop
        mr      r31, r3                 /* 0: there is a magic page, and I rewrite my instructions */
        cmpwi   r31, 0
        bne     1f
        bl      patch_self
1:
#if HAZARD == 1
        bl      checksum
        mr      r30, r3
#elif HAZARD == 4
        bl      generate
#endif
        bl      work
        bl      work
        b       look

/* What a kernel does all day. */
work:
site_msr:
        mfmsr   r3
site_sprg:
        mfspr   r3, SPRG0
        blr

/* put: r4 = address, r5 = instruction */
put:    stw     r5, 0(r4)
        dcbst   0, r4
        sync
        icbi    0, r4
        isync
        blr

patch_self:
        mflr    r29
        address r4, site_msr
#if HAZARD == 2
        lwz     r5, 0(r4)               /* the constant moves to a place of its own */
        address r6, pool
        stw     r5, 4(r6)
        addi    r7, r6, 4
        stw     r7, 0(r6)
#endif
        li32    r5, LWZ_R3 | ((M_MSR + 4) & 0xFFFF)
        bl      put
        address r4, site_sprg
        li32    r5, LWZ_R3 | ((M_SPRG0 + 4) & 0xFFFF)
#if HAZARD == 3
        address r6, alternative         /* what stands there now is what I put there */
        stw     r5, 4(r6)
#endif
        bl      put
        mtlr    r29
        blr

#if HAZARD == 1
/* checksum: of all my text; r3 = sum */
checksum:
        address r4, _start
        address r5, text_end
        li      r3, 0
1:      lwz     r6, 0(r4)
        rotlwi  r3, r3, 1
        add     r3, r3, r6
        addi    r4, r4, 4
        cmplw   r4, r5
        blt     1b
        blr

look:   bl      checksum
        mr      r28, r3
        say     "checksum of the text: %x at boot, %x now: ", r30, r28
        cmplw   r30, r28

#elif HAZARD == 2
look:   address r4, pool
        lwz     r4, 0(r4)
        lwz     r28, 0(r4)
        say     "a constant that is an instruction: %x: ", r28
        li32    r4, MFMSR_R3
        cmplw   r28, r4

#elif HAZARD == 3
look:   address r4, alternative         /* {address, what must stand there, what is to stand there} */
        lwz     r27, 0(r4)
        lwz     r26, 4(r4)
        lwz     r28, 0(r27)
        say     "an alternative for %x: %x is there, %x must be: ", r27, r28, r26
        cmplw   r28, r26
        bne     verdict
        mr      r4, r27
        address r5, alternative
        lwz     r5, 8(r5)
        bl      put
        bl      work
        cmpwi   r3, 0x51                /* and it is carried out */

#elif HAZARD == 4
/* generate: a function that reads MSR; what was generated is kept beside */
generate:
        mflr    r29
        address r4, buffer
        address r6, kept
        li32    r5, MFMSR_R3
        cmpwi   r31, 0
        bne     1f
        li32    r5, LWZ_R3 | ((M_MSR + 4) & 0xFFFF)
1:      stw     r5, 0(r6)
        bl      put
        addi    r4, r4, 4
        li32    r5, BLR
        stw     r5, 4(r6)
        bl      put
        mtlr    r29
        blr

look:   address r4, buffer
        mtctr   r4
        bctrl
        address r4, buffer              /* to move a function is to read it */
        address r5, kept
        lwz     r28, 0(r4)
        lwz     r27, 0(r5)
        lwz     r26, 4(r4)
        say     "generated code: %x was written, %x is read: ", r27, r28
        cmplw   r27, r28
#endif

verdict:
        beq     1f
        say     "FAILED\n"
        b       2f
1:      say     "as it must be\n"
2:      li32    r4, CCSR_EA + RSTCR
        li      r3, 2
        stw     r3, 0(r4)
3:      b       3b
text_end:

        .data
        .balign 4
        .globl  pool, alternative, kept
pool:   .long   site_msr, 0
alternative:
        .long   site_sprg, MFSPRG0_R3, MFSPRG1_R3
kept:   .long   0, 0

        .bss
        .balign 64
        .globl  buffer
buffer: .space  64
        .space  1024
stack_top:
        .space  16
