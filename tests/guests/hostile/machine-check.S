/* SPDX-License-Identifier: Apache-2.0
 *
 * A guest that meets machine checks. r27 chooses: 1 MSR[ME] is on, 2 it runs in user state, 4 it jumps at a device, 8 it
 * idles in its hypervisor; otherwise it counts to ROUNDS, and something may come from outside. Its handler counts in r30,
 * keeps MCSR in r31, and tries to return by rfmci; what Program interrupts that costs is in r28. r26 is 1 at the end.
 */
#include "book.h"

#define MCSRR0          570
#define MCSR            572
#define ROUNDS          2000
#define EV_IDLE         0x00010010
#define HC_MAGIC        0x4B564D21

        .section .vectors, "ax"
        .globl  vectors
vectors:
check:  addi    r30, r30, 1             /* machine check */
        mfspr   r31, MCSR
        mtspr   MCSRR0, r25             /* not where it came from: there is nothing */
        rfmci
        mtspr   SRR0, r25               /* neither was done: by the other way, then */
        mfmsr   r3
        mtspr   SRR1, r3
        rfi
        .balign 64
program:
        addi    r28, r28, 1
        mfspr   r3, SRR0
        addi    r3, r3, 4
        mtspr   SRR0, r3
        rfi
        .balign 64
call:   address r3, done                /* system call: back to supervisor state */
        mtspr   SRR0, r3
        li      r3, 0
        mtspr   SRR1, r3
        rfi

        .text
        .globl  _start, done
_start: address r1, stack_top
        map_devices
        isync
        lis     r3, vectors@h
        mtspr   IVPR, r3
        li      r3, 0
        mtspr   IVOR(1), r3
        li      r3, program - vectors
        mtspr   IVOR(6), r3
        li      r3, call - vectors
        mtspr   IVOR(8), r3
        address r25, done
        li      r4, 0
        andi.   r3, r27, 1
        beq     1f
        ori     r4, r4, MSR_ME
1:      andi.   r3, r27, 2
        beq     2f
        ori     r4, r4, MSR_PR
2:      mtspr   SRR1, r4
        address r3, count
        andi.   r4, r27, 4
        beq     3f
        li32    r3, CCSR_EA + UART
3:      andi.   r4, r27, 8
        beq     4f
        address r3, idle
4:      mtspr   SRR0, r3
        rfi
count:  li      r3, ROUNDS
        mtctr   r3
5:      bdnz    5b
        sc
done:   li      r26, 1
        say     "%d machine checks, MCSR %x; %d program interrupts\n", r30, r31, r28
        li32    r4, CCSR_EA + RSTCR
        li      r3, 2
        stw     r3, 0(r4)
6:      b       6b
idle:   li32    r11, EV_IDLE
        li32    r0, HC_MAGIC
        mfspr   r4, PVR
        rlwinm  r4, r4, 16, 16, 31
        cmplwi  r4, 0x8021
        bne     7f
        sc
        b       done
7:      .long   0x44000022              /* sc 1 */
        b       done

        .bss
        .balign 64
        .space  1024
stack_top:
        .space  16
