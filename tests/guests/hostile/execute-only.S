/* SPDX-License-Identifier: Apache-2.0
 *
 * A guest with a page that may be executed and not be read. From there it makes its host want to see an instruction, in
 * four ways: a privileged one that KVM emulates, a load from a page that it has not touched, a load from a device, and a
 * trap, which is its own to handle. After each it says what it got. r27 chooses: bit n for the n-th alone; 0 is all.
 */
#include "book.h"

#define SECRET_EA       0x50000000
#define FRESH_EA        0x50010000
#define FRESH_PA        0x00800000
#define FRESH_SECOND    0x1000          /* KVM maps the first page of an entry when that is written */
#define MAS1_64K        (6 << 7)
#define MARK            0x600DDA7A
#define VECTOR          0x1230

        .section .vectors, "ax"
        .globl  vectors
vectors:                                /* program: count, keep ESR, step over */
        count_program

        .text
        .globl  _start
_start: address r1, stack_top
        map_devices
        li32    r3, MAS0_TLB1(8)
        li32    r4, MAS1_V | MAS1_4K
        li32    r5, SECRET_EA | MAS2_M
        address r6, secret
        ori     r6, r6, SX
        li      r7, 0
        write_entry
        li32    r3, MAS0_TLB1(9)
        li32    r4, MAS1_V | MAS1_64K
        li32    r5, FRESH_EA | MAS2_M
        li32    r6, FRESH_PA | SR | SW
        li      r7, 0
        write_entry
        isync
        lis     r3, vectors@h
        mtspr   IVPR, r3
        li      r3, 0
        mtspr   IVOR(6), r3
        li32    r3, MARK
        li32    r4, FRESH_PA + FRESH_SECOND
        stw     r3, 0(r4)               /* through the entry that maps all memory */
        cmpwi   r27, 0
        bne     1f
        li      r27, 15
1:      li      r26, 0                  /* wrong ones */

.macro  probe   number, name, offset, address, right
        andi.   r3, r27, 1 << \number
        beq     9f
        li      r30, 0
        li      r31, 0
        li      r3, 0
        li32    r4, \address
        li32    r5, SECRET_EA + \offset
        mtctr   r5
        bctrl
        mr      r29, r3
        say     "\name: %x, %d program interrupts, ESR %x: ", r29, r30, r31
        \right
        beq     8f
        addi    r26, r26, 1
        say     "WRONG\n"
        b       9f
8:      say     "right\n"
9:
.endm
.macro  kept
        cmpwi   r29, VECTOR
.endm
.macro  marked
        li32    r3, MARK
        cmplw   r29, r3
.endm
.macro  empty
        andi.   r3, r29, LSR_THRE
        cmpwi   r3, LSR_THRE
.endm
.macro  trapped
        lis     r3, ESR_PTR@h
        cmplw   r31, r3
.endm
        probe   0, "emulated", emulated - secret, VECTOR, kept
        probe   1, "load", load - secret, FRESH_EA + FRESH_SECOND, marked
        probe   2, "device", device - secret, CCSR_EA + UART + LSR, empty
        probe   3, "trap", trap - secret, 0, trapped
        li32    r4, CCSR_EA + RSTCR
        li      r3, 2
        stw     r3, 0(r4)
2:      b       2b

        .section .user, "ax"            /* a page of its own */
        .globl  secret, emulated, load, device, trap
secret:
emulated:
        mtspr   IVOR(5), r4
        mfspr   r3, IVOR(5)
        blr
load:   lwz     r3, 0(r4)
        blr
device: lbz     r3, 0(r4)
        blr
trap:   trap
        blr

        .bss
        .balign 64
        .space  1024
stack_top:
        .space  16
