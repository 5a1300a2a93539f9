/* SPDX-License-Identifier: Apache-2.0
 *
 * What the guests of two cores share: the first core releases the second from the spin table, and both go to `main`
 * with their number in r3 and a stack in r1. They print nothing: what they did stands in memory, at symbols whose names
 * `ppcdbg race --vcpus` knows (`exclusive`, `done`, NAME beside NAME_expected).
 */
#include "book.h"

#define PIR        286
#define SPIN_EA    0xE0000000
#define SPIN_HIGH  0xF
#define SPIN_LOW   0xEF000000
#define SPIN_ENTRY 32

        .macro  start                   /* _start, and where the second core comes in */
        .text
        .globl  _start, secondary
_start: lis     r3, MAS0_TLB1(1)@h
        mtspr   MAS0, r3
        li32    r3, MAS1_V | MAS1_4K
        mtspr   MAS1, r3
        li32    r3, SPIN_EA | MAS2_I_G
        mtspr   MAS2, r3
        li32    r3, SPIN_LOW | SR | SW
        mtspr   MAS3, r3
        li      r3, SPIN_HIGH
        mtspr   MAS7, r3
        tlbwe
        isync
        lis     r5, SPIN_EA@h
        li      r3, 1
        stw     r3, SPIN_ENTRY + 12(r5)     /* r3 of core 1: its number */
        li      r3, 0
        address r4, secondary
        address r1, stacks + 512
        stw     r4, SPIN_ENTRY + 4(r5)      /* an even address lets it go; the upper half is 0 already */
        b       main
secondary:
        address r1, stacks + 1024
        b       main
        .section .bss
        .balign 4096
stacks: .space  1024
        .text
        .endm
