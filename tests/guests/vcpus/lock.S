/* SPDX-License-Identifier: Apache-2.0
 *
 * Two cores that count, each twice, under a lock: `counter` must be 4 in the end, and never are both between
 * `exclusive` and `exclusive_end`. LOCK says which lock: 1 spin lock by lwarx and stwcx., 2 the same with a plain load
 * and store, 3 ticket lock, 4 no lock but an atomic increment, 5 no lock and a plain increment, 6 two
 * spin locks, which core 0 takes in one order and core 1 in the other.
 */
#include "vcpus.h"

#define ROUNDS 2

        start
        .globl  main, done, counter, counter_expected
main:   address r4, lock
#if LOCK == 6
        addi    r10, r4, 64
        cmpwi   r3, 0
        beq     again0
        addi    r4, r4, 64
        addi    r10, r10, -64
again0:
#endif
        address r8, counter
        li      r9, ROUNDS
        mtctr   r9
again:
#if LOCK == 1 || LOCK == 6
1:      lwarx   r5, 0, r4
        cmpwi   r5, 0
        bne-    1b
        li      r6, 1
        stwcx.  r6, 0, r4
        bne-    1b
        isync
#if LOCK == 6
1:      lwarx   r5, 0, r10
        cmpwi   r5, 0
        bne-    1b
        stwcx.  r6, 0, r10
        bne-    1b
        isync
#endif
#elif LOCK == 2
1:      lwz     r5, 0(r4)
        cmpwi   r5, 0
        bne-    1b
        li      r6, 1
        stw     r6, 0(r4)
        isync
#elif LOCK == 3
1:      lwarx   r5, 0, r4               /* my ticket */
        addi    r6, r5, 1
        stwcx.  r6, 0, r4
        bne-    1b
2:      lwz     r6, 64(r4)              /* whose turn it is */
        cmpw    r6, r5
        bne-    2b
        isync
#endif
#if LOCK <= 3 || LOCK == 6
        .globl  exclusive, exclusive_end
exclusive:
        lwz     r7, 0(r8)
        addi    r7, r7, 1
        stw     r7, 0(r8)
exclusive_end:
        lwsync
#endif
#if LOCK == 1 || LOCK == 2 || LOCK == 6
        li      r5, 0
#if LOCK == 6
        stw     r5, 0(r10)
#endif
        stw     r5, 0(r4)
#elif LOCK == 3
        addi    r6, r6, 1
        stw     r6, 64(r4)
#elif LOCK == 4
1:      lwarx   r7, 0, r8
        addi    r7, r7, 1
        stwcx.  r7, 0, r8
        bne-    1b
#elif LOCK == 5
        lwz     r7, 0(r8)
        addi    r7, r7, 1
        stw     r7, 0(r8)
#endif
        bdnz    again
done:   b       done

        .rodata
counter_expected:
        .long   2 * ROUNDS
        .section .bss
        .balign 4096
lock:   .space  128
counter:
        .space  4
