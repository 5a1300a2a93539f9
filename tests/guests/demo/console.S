/* SPDX-License-Identifier: Apache-2.0
 *
 * The console: a 16550A, polled. Under KVM every access to it is an exit: no page of RAM stands behind CCSR, so the
 * load or store misses in the shadow TLB, for ever, and is carried out as MMIO.
 */
#include "book.h"

        .text

/* puts: r3 = string. The transmitter's FIFO takes 16 bytes once LSR says that it is empty. Uses r3-r6, CTR. */
        .globl  puts
puts:   li32    r4, CCSR_EA + UART
.Lfifo:
        lbz     r5, LSR(r4)
        andi.   r5, r5, LSR_THRE
        beq     .Lfifo
        li      r6, 16
        mtctr   r6
.Lnext:
        lbz     r5, 0(r3)
        cmpwi   r5, 0
        beqlr
        stb     r5, THR(r4)
        addi    r3, r3, 1
        bdnz    .Lnext
        b       .Lfifo

/* print: r3 = format, r4-r6 = values for %d (decimal), %x (eight hexadecimal digits), %s. Uses r0, r3-r12, CTR. */
        .globl  print
print:  mflr    r0
        stwu    r1, -48(r1)
        stw     r0, 52(r1)
        stw     r4, 8(r1)
        stw     r5, 12(r1)
        stw     r6, 16(r1)
        addi    r8, r1, 4               /* lwzu takes the next value from here */
        address r9, line - 1            /* stbu puts the next character here */
.Lcopy:
        lbz     r5, 0(r3)
        addi    r3, r3, 1
        cmpwi   r5, '%'
        beq     .Lvalue
        cmpwi   r5, 0
        stbu    r5, 1(r9)
        bne     .Lcopy
        address r3, line
        bl      puts
        lwz     r0, 52(r1)
        mtlr    r0
        addi    r1, r1, 48
        blr

.Lvalue:
        lbz     r5, 0(r3)
        addi    r3, r3, 1
        lwzu    r6, 4(r8)
        cmpwi   r5, 'x'
        beq     .Lhex
        cmpwi   r5, 's'
        beq     .Lstring
        addi    r7, r1, 36              /* decimal: digits come last one first */
        li      r10, 10
1:      divwu   r11, r6, r10
        mullw   r12, r11, r10
        subf    r12, r12, r6
        addi    r12, r12, '0'
        stbu    r12, -1(r7)
        mr.     r6, r11
        bne     1b
        addi    r0, r1, 36
        subf    r0, r7, r0
        mtctr   r0
2:      lbz     r5, 0(r7)
        addi    r7, r7, 1
        stbu    r5, 1(r9)
        bdnz    2b
        b       .Lcopy

.Lhex:
        li      r0, 8
        mtctr   r0
3:      rotlwi  r6, r6, 4
        clrlwi  r5, r6, 28
        cmpwi   r5, 10
        addi    r5, r5, '0'
        blt     4f
        addi    r5, r5, 'a' - '0' - 10
4:      stbu    r5, 1(r9)
        bdnz    3b
        b       .Lcopy

.Lstring:
        lbz     r5, 0(r6)
        cmpwi   r5, 0
        beq     .Lcopy
        addi    r6, r6, 1
        stbu    r5, 1(r9)
        b       .Lstring

        .bss
line:   .space  256
