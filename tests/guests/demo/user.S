/* SPDX-License-Identifier: Apache-2.0
 *
 * The user program: one page, mapped by the miss handler when its first instruction is fetched. It calls the kernel,
 * and then does four things that user mode may not.
 */
#include "book.h"

#define USER(symbol) (USER_EA + symbol - user_page)

        .section .user, "ax"
        .globl  user_page
user_page:
        li      r0, 1
        li32    r3, USER(hello)
        sc
        mfspr   r5, SPRG0               /* a supervisor's register: program interrupt, privileged */
        .long   0                       /* no instruction: program interrupt, illegal */
        twi     31, r0, 0               /* trap always: program interrupt, trap */
        lis     r6, WINDOW_EA@h
        stw     r5, 0(r6)               /* a page for the supervisor only: data storage */
        li      r0, 0
        sc

hello:  .asciz  "user: hello, by way of a system call\n"
