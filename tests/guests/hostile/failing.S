/* SPDX-License-Identifier: Apache-2.0
 *
 * A guest that asks for what KVM cannot do: TRIES times it reads EPCR, which no guest of a 32-bit host has. Its handler
 * counts the Program interrupts, keeps the last ESR, and steps over the instruction. After the first PAUSE tries it waits
 * for longer than the host's kernel limits its log, five seconds. r27 tells from outside how far it came.
 */
#include "book.h"

#define EPCR            307
#define TRIES           32
#define PAUSE           20
#define SIX_SECONDS     0x7FFFFFFF      /* of the time base: 5.4 at 400 MHz, as long as DEC can count */

        .section .vectors, "ax"
        .globl  vectors
vectors:
        count_program
        .balign 64
decrementer:
        mtspr   SPRG0, r3
        lis     r3, TSR_DIS@h
        mtspr   TSR, r3
        mfspr   r3, SRR1                /* it waits no more */
        rlwinm  r3, r3, 0, 14, 12
        rlwinm  r3, r3, 0, 17, 15
        mtspr   SRR1, r3
        li      r29, 1
        mfspr   r3, SPRG0
        rfi

        .text
        .globl  _start, ask
_start: address r1, stack_top
        map_devices
        isync
        lis     r3, vectors@h
        mtspr   IVPR, r3
        li      r3, 0
        mtspr   IVOR(6), r3
        li      r3, decrementer - vectors
        mtspr   IVOR(10), r3
        li      r30, 0
        li      r31, 0
        li      r27, 0
try:    addi    r27, r27, 1
ask:    mfspr   r3, EPCR
        cmpwi   r27, PAUSE
        bne     1f
        bl      pause
1:      cmpwi   r27, TRIES
        blt     try
        say     "%d tries, %d program interrupts, ESR %x\n", r27, r30, r31
        li32    r4, CCSR_EA + RSTCR
        li      r3, 2
        stw     r3, 0(r4)
2:      b       2b

/* pause: until DEC has run out. The e500mc has an instruction for that, the e500v2 a bit of the MSR. */
pause:  li      r29, 0
        li32    r3, SIX_SECONDS
        mtspr   DEC, r3
        lis     r3, TCR_DIE@h
        mtspr   TCR, r3
        mfspr   r4, PVR
        rlwinm  r4, r4, 16, 16, 31
        cmplwi  r4, 0x8021
        bne     2f
        lis     r3, HID0_DOZE@h
        mtspr   HID0, r3
1:      mfmsr   r3
        oris    r3, r3, MSR_WE@h
        ori     r3, r3, MSR_EE
        sync
        mtmsr   r3
        isync
        cmpwi   r29, 0
        beq     1b
        blr
2:      wrteei  1
3:      .long   0x7C00007C              /* wait */
        cmpwi   r29, 0
        beq     3b
        wrteei  0
        blr

        .bss
        .balign 64
        .space  1024
stack_top:
        .space  16
