/* SPDX-License-Identifier: Apache-2.0
 *
 * The paravirtual interface: is there a hypervisor, how is it called, and the page that it shares with us.
 */
#include "book.h"

        .text

/* find_hypervisor: r3 = flattened device tree. KVM's userspace leaves /hypervisor with the property hcall-instructions:
 * the up to four instructions that make a hypercall here. They are copied into `hypercall`. Returns r3 = how many. */
        .globl  find_hypervisor
find_hypervisor:
        lwz     r4, 8(r3)               /* off_dt_struct */
        lwz     r5, 12(r3)              /* off_dt_strings */
        add     r4, r4, r3
        add     r5, r5, r3
        addi    r4, r4, -4
.Ltoken:
        lwzu    r6, 4(r4)
        cmpwi   r6, 1
        beq     .Lnode
        cmpwi   r6, 3
        beq     .Lproperty
        cmpwi   r6, 9                   /* FDT_END */
        bne     .Ltoken                   /* FDT_END_NODE, FDT_NOP */
        li      r3, 0
        blr

.Lnode:
        lbzu    r6, 4(r4)               /* the name: skip the words up to the one that ends in zero */
        cmpwi   r6, 0
        beq     .Ltoken
        lbz     r6, 1(r4)
        cmpwi   r6, 0
        beq     .Ltoken
        lbz     r6, 2(r4)
        cmpwi   r6, 0
        beq     .Ltoken
        lbz     r6, 3(r4)
        cmpwi   r6, 0
        beq     .Ltoken
        b       .Lnode

.Lproperty:
        
        lwzu    r7, 4(r4)               /* bytes of the value */
        lwzu    r8, 4(r4)               /* where its name is */
        add     r8, r8, r5
        address r9, hcall_name
1:      lbz     r10, 0(r8)
        lbz     r11, 0(r9)
        cmpw    r10, r11
        bne     2f
        addi    r8, r8, 1
        addi    r9, r9, 1
        cmpwi   r10, 0
        bne     1b
        b       .Lfound
2:      addi    r7, r7, 3               /* not this one: step over the value */
        clrrwi  r7, r7, 2
        add     r4, r4, r7
        b       .Ltoken

.Lfound:
        srwi    r3, r7, 2
        mtctr   r3
        address r5, hypercall - 4
3:      lwzu    r6, 4(r4)
        stwu    r6, 4(r5)
        bdnz    3b
        address r5, hypercall           /* what was stored must reach memory before it is fetched */
        dcbst   0, r5
        sync
        icbi    0, r5
        isync
        blr

/* hypercall: r11 = token, r3... = arguments; returns r3 = status (0 is success), r4... = results */
        .balign 32
        .globl  hypercall
hypercall:
        li      r3, 12                  /* EV_UNIMPLEMENTED, until find_hypervisor puts something better here */
        nop
        nop
        nop
        blr

/* try_magic_page: asks for the page, then shows that it is live: what is read there is the guest's state, what is stored
 * there becomes it, with no exit; and what the field `critical` does. */
        .globl  try_magic_page
try_magic_page:
        mflr    r31
        li32    r11, KVM_HC_FEATURES
        bl      hypercall
        mr      r20, r4
        say     "hypercall: KVM_HC_FEATURES gives status %d, features %x\n", r3, r20
        andi.   r20, r20, FEATURE_MAGIC
        bne     1f
        say     "magic: no magic page here\n"
        b       4f
1:      li      r3, MAGIC
        li      r4, MAGIC | MAGIC_NX
        li32    r11, KVM_HC_MAP_MAGIC
        bl      hypercall
        cmpwi   r3, 0
        bne     4f
        lwz     r20, M_MSR + 4(0)       /* one load where mfmsr would be an exit */
        mfmsr   r21
        say     "magic: MSR there %x, by mfmsr %x\n", r20, r21
        li32    r20, 0x600DF00D
        stw     r20, M_SPRG3 + 4(0)
        mfspr   r21, SPRG3
        say     "magic: SPRG3 stored there %x, by mfspr %x\n", r20, r21

        /* While `critical` equals r1, KVM withholds interrupts. int_pending says that one waits; the end of a section is
         * the guest's to tell: any exit will do, templates execute the real mtmsr. */
        address r22, ticks
        lwz     r20, 0(r22)
        li      r4, 2000
        lis     r5, TCR_DIE@h
        bl      start_timer
        stw     r1, M_CRITICAL + 4(0)
        wrteei  1
        lis     r0, 1
        mtctr   r0
2:      lwz     r21, M_INT_PENDING(0)
        cmpwi   r21, 0
        bdnzt   eq, 2b
        lwz     r21, 0(r22)
        subf    r21, r20, r21           /* decrementer interrupts inside the section: none */
        li      r0, 0
        stw     r0, M_CRITICAL + 4(0)
        mfmsr   r3
        mtmsr   r3
        isync
        wrteei  0
        bl      stop_timer
        lwz     r23, 0(r22)
        subf    r23, r20, r23
        subf    r23, r21, r23
        say     "magic: in a critical section %d decrementer interrupts, after it %d\n", r21, r23
4:      mtlr    r31
        blr

        .section .rodata
hcall_name: .asciz "hcall-instructions"
