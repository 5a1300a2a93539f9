/* SPDX-License-Identifier: Apache-2.0
 *
 * Core 0 puts a letter into the mailbox and rings; core 1 waits until there is one (e500mc: msgsnd, wait). BELL says how
 * core 1 waits: 1 as Linux's idle loop, whose interrupts return to the look before the `wait`; 2 without that: a bell
 * between the look and the `wait` wakes nobody; 3 as 1, but between the two it clears what messages there are; 4 with
 * interrupts off, by KVM's hypercall EV_IDLE, which comes back while a message is pending.
 */
#include "vcpus.h"

#define IVOR_DOORBELL 532
#define EV_IDLE 0x00010010
#define MSR_NAP (MSR_EE | MSR_ME)

        start
        .globl  main, done, nap, nap_end, mail, received, received_expected, rings, bell
main:   address r4, mail
        cmpwi   r3, 0
        bne     receiver

        li      r5, 42
        stw     r5, 0(r4)
        sync
        li      r6, 1                   /* a normal doorbell to the core whose PIR is 1 */
        msgsnd  r6
done:   b       done

receiver:
        lis     r5, vectors@h
        mtspr   IVPR, r5
        li      r5, 0
        mtspr   IVOR_DOORBELL, r5
        address r7, nap
        address r8, nap_end
        li      r6, 0
        li32    r5, MSR_NAP
        mtmsr   r5
nap:
#if BELL == 4
        wrteei  0
        address r4, mail                /* the hypercall's second answer is in r4 */
#endif
        lwz     r5, 0(r4)
        cmpwi   r5, 0
        bne     got
#if BELL == 3
        wrteei  0
        msgclr  r6                      /* nothing old: and perhaps what has just come */
        wrteei  1
#endif
#if BELL == 4
        li32    r11, EV_IDLE
        sc      1
        wrteei  1                       /* the bell rings here */
#else
        wait
#endif
nap_end:
        b       nap
got:    stw     r5, received - mail(r4)
        b       done

        .section .vectors, "ax"
        .globl  vectors
vectors:
bell:   mtspr   SPRG0, r5
        mtspr   SPRG1, r6
        address r6, rings
        lwz     r5, 0(r6)
        addi    r5, r5, 1
        stw     r5, 0(r6)
#if BELL != 2
        mfspr   r5, SRR0                /* from nap to the wait: look again */
        mfcr    r6
        cmplw   r5, r7
        blt     1f
        cmplw   r5, r8
        bge     1f
        mtspr   SRR0, r7
1:      mtcr    r6
#endif
        mfspr   r6, SPRG1
        mfspr   r5, SPRG0
        rfi

        .rodata
received_expected:
        .long   42
        .section .bss
        .balign 4096
mail:   .space  64
received:
        .space  64
rings:  .space  4
