/* SPDX-License-Identifier: Apache-2.0
 *
 * Core 0 counts two letters into the mailbox and raises an interrupt of the MPIC at core 1 after each (IPIDR); core 1
 * waits until it has both. POST says what a handler takes: 1 all that is there; 2 one letter an interrupt, and two that
 * come before the first is acknowledged are one.
 */
#include "vcpus.h"

#define IVOR_EXTERNAL  404
#define REGISTERS      0xE1000000       /* CCSR, 1 MiB */
#define MPIC           0x40000
#define GCR            0x1020
#define GCR_MIXED      0x20000000
#define IPIVPR         0x10A0
#define IPI_PRIORITY   0x00080040       /* priority 8, vector 0x40, not masked */
#define BANK           0x20000          /* of core 0; each core finds its own at 0 as well */
#define IPIDR          0x40
#define CTPR           0x80
#define IACK           0xA0
#define EOI            0xB0

        start
        .globl  main, done, nap, nap_end, mail, received, received_expected, post
main:   lis     r5, MAS0_TLB1(2)@h
        mtspr   MAS0, r5
        li32    r5, MAS1_V | MAS1_1M
        mtspr   MAS1, r5
        li32    r5, REGISTERS | MAS2_I_G
        mtspr   MAS2, r5
        li32    r5, CCSR_PA_LOW | SR | SW
        mtspr   MAS3, r5
        li      r5, CCSR_PA_HIGH
        mtspr   MAS7, r5
        tlbwe
        isync
        lis     r11, (REGISTERS + MPIC)@h
        address r4, mail
        cmpwi   r3, 0
        bne     receiver

        li32    r5, GCR_MIXED
        stw     r5, GCR(r11)
        li32    r5, IPI_PRIORITY
        stw     r5, IPIVPR(r11)
        lis     r12, (REGISTERS + MPIC + BANK)@h
        li      r6, 2                   /* to core 1 */
        li      r5, 1
        stw     r5, 0(r4)
        sync
        stw     r6, IPIDR(r12)
        li      r5, 2
        stw     r5, 0(r4)
        sync
        stw     r6, IPIDR(r12)
done:   b       done

receiver:
        lis     r5, vectors@h
        mtspr   IVPR, r5
        li      r5, 0
        mtspr   IVOR_EXTERNAL, r5
        stw     r5, CTPR(r11)           /* any priority */
        address r7, nap
        address r8, nap_end
        li32    r5, MSR_EE | MSR_ME
        mtmsr   r5
nap:    lwz     r5, received - mail(r4)
        cmpwi   r5, 2
        beq     done
        wait
nap_end:
        b       nap

        .section .vectors, "ax"
        .globl  vectors
vectors:
post:   mtspr   SPRG0, r5
        mtspr   SPRG1, r6
        lwz     r5, IACK(r11)
#if POST == 1
        lwz     r5, 0(r4)
#else
        lwz     r5, received - mail(r4)
        addi    r5, r5, 1
#endif
        stw     r5, received - mail(r4)
        li      r5, 0
        stw     r5, EOI(r11)
        mfspr   r5, SRR0                /* from nap to the wait: look again */
        mfcr    r6
        cmplw   r5, r7
        blt     1f
        cmplw   r5, r8
        bge     1f
        mtspr   SRR0, r7
1:      mtcr    r6
        mfspr   r6, SPRG1
        mfspr   r5, SPRG0
        rfi

        .rodata
received_expected:
        .long   2
        .section .bss
        .balign 4096
mail:   .space  64
received:
        .space  64
