/* SPDX-License-Identifier: Apache-2.0
 *
 * ppcdbg's demo guest: in some thirty thousand instructions, everything that makes a guest of KVM exit.
 *
 * It is a kernel in miniature for an e500v2 or an e500mc, and runs the same on the bare machine, in QEMU, and under KVM in
 * both its flavours. Read in this order: this file (the story), vectors.S (interrupts and TLB misses), paravirt.S
 * (hypercalls and the magic page), user.S, console.S; book.h has the names.
 *
 * Boot: ePAPR. r3 = device tree; MSR = 0; one entry of TLB1 maps the first megabytes at address 0, code included.
 */
#include "book.h"

        .text
        .globl  _start
_start: mr      r30, r3                 /* the device tree, wanted later */
        address r1, stack_top
        bl      take_over_the_mmu
        bl      take_over_interrupts
        bl      introduce
        bl      touch_pages
        bl      crowd_a_set
        bl      count_ticks
        bl      ask_for_an_interrupt
        mr      r3, r30
        bl      find_hypervisor
        mr.     r20, r3
        bne     1f
        say     "hypercall: the device tree names no hypervisor\n"
        b       go_user
1:      say     "hypercall: %d instructions from the device tree\n", r20
        bl      try_magic_page
go_user:
        b       visit_user_mode
        .globl  user_done
user_done:                              /* the user program's last system call returns here */
        address r1, stack_top
        bl      tell_about_the_user
        bl      doze
        bl      summary
        .globl  reset
reset:  li32    r4, CCSR_EA + RSTCR
        li      r5, 2
        stw     r5, 0(r4)
1:      b       1b

/* Make the entry that this code runs from our own, 64 MB and protected, and map the devices with a second one. */
take_over_the_mmu:
        mflr    r31
        bl      1f
1:      mflr    r3
        li      r4, 0
        mtspr   MAS6, r4                /* search PID 0, address space 0 */
        tlbsx   0, r3
        mfspr   r29, MAS0               /* which entry it is, wanted later */
        map_ourselves
        map_devices
        isync
        li      r4, MAS1_4K | MAS2_M    /* what a miss prepares: TLB0, the current PID, 4 KB */
        mtspr   MAS4, r4
        li      r4, 7                   /* our translations carry TID 7; the two above serve every PID */
        mtspr   PID, r4
        isync
        li32    r4, CCSR_EA + UART
        li      r5, 1                   /* FIFO on */
        stb     r5, FCR(r4)
        mtlr    r31
        blr

/* Vector n is at IVPR | IVORn. Then machine checks on, time base on, timers quiet. */
take_over_interrupts:
        lis     r3, vectors@h
        mtspr   IVPR, r3
        .irp    n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
        li      r3, \n * 32
        mtspr   IVOR(\n), r3
        .endr
        li      r3, 0
        mtspr   TCR, r3
        lis     r3, TSR_DIS@h
        mtspr   TSR, r3
        mfspr   r3, HID0
        oris    r3, r3, HID0_DOZE@h
        ori     r3, r3, HID0_TBEN
        mtspr   HID0, r3
        li      r3, MSR_ME
        mtmsr   r3
        isync
        blr

introduce:
        mflr    r31
        mfspr   r20, PVR
        bl      core_name
        mr      r21, r3
        say     "demo: a kernel in miniature on an %s, PVR %x\n", r21, r20
        rlwinm  r20, r29, 16, 26, 31
        mtspr   MAS0, r29
        tlbre
        mfspr   r21, MAS1
        say     "tlb: this code runs from TLB1[%d], MAS1 now %x\n", r20, r21
        mtlr    r31
        blr

/* core_name: r3 = the core's name by PVR; CR0[EQ] = e500v2 */
core_name:
        mfspr   r4, PVR
        srwi    r4, r4, 16
        cmplwi  r4, 0x8021
        address r3, name_v2
        beqlr
        address r3, name_mc
        blr

/* Touch a window of pages three times: it misses, it does not, and after TLB0 was emptied it misses again. Then read what
 * was stored through the window at its place in memory. */
touch_pages:
        mflr    r31
        bl      touch
        mr      r20, r3
        bl      touch
        mr      r21, r3
        li      r4, 4                   /* all of TLB0 */
        tlbivax 0, r4
        tlbsync
        sync
        isync
        bl      touch
        say     "tlb: 32 pages: %d misses, then %d; TLB0 emptied: %d\n", r20, r21, r3
        lis     r4, WINDOW_PA@h
        li      r5, 0
        li      r6, WINDOW_PAGES
        mtctr   r6
        li      r20, 0
1:      lwz     r6, 0(r4)
        cmpw    r6, r5
        bne     2f
        addi    r20, r20, 1
2:      addi    r4, r4, 4096
        addi    r5, r5, 1
        bdnz    1b
        say     "tlb: %d of them found at their place in memory\n", r20
        mtlr    r31
        blr

/* touch: stores n into page n of the window; returns r3 = data TLB misses that it took */
touch:  address r6, counts + 13 * 4
        lwz     r7, 0(r6)
        lis     r4, WINDOW_EA@h
        li      r5, 0
        li      r8, WINDOW_PAGES
        mtctr   r8
1:      stw     r5, 0(r4)
        addi    r4, r4, 4096
        addi    r5, r5, 1
        bdnz    1b
        lwz     r3, 0(r6)
        subf    r3, r7, r3
        blr

/* Six pages that share a set of four ways, twice over: each evicts one that will be wanted again. */
crowd_a_set:
        mflr    r31
        address r21, counts + 13 * 4
        lwz     r20, 0(r21)
        li      r5, 2
1:      lis     r4, CROWD_EA@h
        lis     r7, CROWD_STRIDE@h
        li      r6, CROWD_PAGES
        mtctr   r6
2:      lwz     r8, 0(r4)
        add     r4, r4, r7
        bdnz    2b
        addic.  r5, r5, -1
        bne     1b
        lwz     r21, 0(r21)
        subf    r20, r20, r21
        say     "tlb: 6 pages in one set of 4 ways, read twice: %d misses\n", r20
        mtlr    r31
        blr

/* Three ticks of the decrementer, armed anew for each. Reloaded by itself, so short a period could starve us: under the
 * real KVM the handler's exits alone may take longer. */
count_ticks:
        mflr    r31
        address r7, ticks
        li      r20, 0
        li      r4, 4000
        lis     r5, TCR_DIE@h
        bl      start_timer
        wrteei  1
1:      lwz     r6, 0(r7)
        cmpw    r6, r20
        beq     1b
        addi    r20, r20, 1
        cmpwi   r20, 3
        beq     2f
        mtspr   DEC, r4
        b       1b
2:      wrteei  0
        bl      stop_timer
        say     "timer: %d ticks of the decrementer\n", r20
        mtlr    r31
        blr

/* start_timer: r4 = ticks of the time base until the decrementer's interrupt, r5 = TCR. Uses r6. */
        .globl  start_timer, stop_timer
start_timer:
        lis     r6, TSR_DIS@h
        mtspr   TSR, r6
        mtspr   DECAR, r4
        mtspr   DEC, r4
        mtspr   TCR, r5
        blr

stop_timer:
        li      r5, 0
        mtspr   TCR, r5
        mtspr   DEC, r5                 /* zero written stops it; only counting down to zero sets TSR[DIS] */
        blr

/* The serial port's transmitter is empty; tell it to say so by interrupt, through the MPIC. */
ask_for_an_interrupt:
        mflr    r31
        li32    r4, CCSR_EA + MPIC_GCR
        lis     r5, GCR_RESET@h
        stw     r5, 0(r4)
1:      lwz     r5, 0(r4)
        andis.  r5, r5, GCR_RESET@h
        bne     1b
        lis     r5, GCR_PROXY@h
        stw     r5, 0(r4)
        li32    r4, CCSR_EA + MPIC_IDR(SERIAL_IRQ)
        li      r5, 1                   /* to CPU 0 */
        stw     r5, 0(r4)
        li32    r4, CCSR_EA + MPIC_IVPR(SERIAL_IRQ)
        li32    r5, IVPR_LEVEL | 8 << 16 | SERIAL_IRQ
        stw     r5, 0(r4)
        li32    r4, CCSR_EA + MPIC_CTPR
        li      r5, 0
        stw     r5, 0(r4)
        li32    r4, CCSR_EA + UART
        li      r5, IER_THRE
        stb     r5, IER(r4)
        wrteei  1
        address r4, counts + 4 * 4
2:      lwz     r20, 0(r4)
        cmpwi   r20, 0
        beq     2b
        wrteei  0
        address r4, external_vector
        lwz     r21, 0(r4)
        say     "external: %d interrupt, EPR says vector %d: the serial port\n", r20, r21
        mtlr    r31
        blr

visit_user_mode:
        li32    r3, USER_EA
        li32    r4, MSR_PR | MSR_EE | MSR_ME
        mtspr   SRR0, r3
        mtspr   SRR1, r4
        rfi

tell_about_the_user:
        mflr    r31
        address r4, counts
        lwz     r20, 6 * 4(r4)
        address r5, program_esr
        lwz     r21, 0(r5)
        say     "user: %d program interrupts, their ESR bits together %x\n", r20, r21
        address r4, counts
        lwz     r20, 2 * 4(r4)
        say     "user: %d store to a supervisor's page refused\n", r20
        mtlr    r31
        blr

/* Wait until a tick. The e500v2 waits by MSR[WE], together with EE: an interrupt cannot slip in between. The e500mc has
 * `wait`, where one can; the decrementer reloads itself, so such a slip costs one period and not eternity. */
doze:   mflr    r31
        address r22, ticks
        lwz     r20, 0(r22)
        lis     r4, 8                   /* half a million ticks */
        lis     r5, (TCR_DIE | TCR_ARE)@h
        bl      start_timer
        bl      core_name
        li32    r4, MSR_WE | MSR_EE | MSR_ME
        bne     2f
1:      mtmsr   r4
        isync
        lwz     r21, 0(r22)
        cmpw    r20, r21
        beq     1b
        b       3f
2:      wrteei  1
        wait
        lwz     r21, 0(r22)
        cmpw    r20, r21
        beq     2b
3:      wrteei  0
        bl      stop_timer
        say     "idle: woken by the decrementer\n"
        mtlr    r31
        blr

/* Every vector that was used, with its count. */
summary:
        mflr    r31
        say     "interrupts:"
        li      r22, 0
1:      address r4, counts
        slwi    r5, r22, 2
        lwzx    r20, r4, r5
        cmpwi   r20, 0
        beq     2f
        address r4, vector_names
        lwzx    r21, r4, r5
        say     " %s %d", r21, r20
2:      addi    r22, r22, 1
        cmpwi   r22, 16
        blt     1b
        say     "\ndemo: done\n"
        mtlr    r31
        blr

        .section .rodata
name_v2: .asciz "e500v2"
name_mc: .asciz "e500mc"
n0:     .asciz  "CRITICAL"
n1:     .asciz  "MACHINE_CHECK"
n2:     .asciz  "DATA_STORAGE"
n3:     .asciz  "INST_STORAGE"
n4:     .asciz  "EXTERNAL"
n5:     .asciz  "ALIGNMENT"
n6:     .asciz  "PROGRAM"
n7:     .asciz  "FP_UNAVAIL"
n8:     .asciz  "SYSCALL"
n9:     .asciz  "AP_UNAVAIL"
n10:    .asciz  "DECREMENTER"
n11:    .asciz  "FIT"
n12:    .asciz  "WATCHDOG"
n13:    .asciz  "DTLB_MISS"
n14:    .asciz  "ITLB_MISS"
n15:    .asciz  "DEBUG"
        .balign 4
vector_names:
        .long   n0, n1, n2, n3, n4, n5, n6, n7, n8, n9, n10, n11, n12, n13, n14, n15

        .bss
        .balign 16
        .space  2048
stack_top: .space 16
