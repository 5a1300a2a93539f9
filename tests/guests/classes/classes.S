/* SPDX-License-Identifier: Apache-2.0
 *
 * The guest of classes: every class of interrupt and every way back (rfi, rfci, rfdi, rfmci), code that changes itself,
 * and idling. It is what recordings are held to, bare and under KVM.
 *
 * Each handler counts its vector and mixes where it came from, and with which MSR, into `trail`: two runs that differ in a
 * single interrupt print different lines at the end. Whatever a core or KVM never delivers (FIT under Linux's KVM, say) is
 * waited for during a bounded time. From `listen` to `deaf` everything is enabled, for what comes from outside: a critical
 * input, a machine check, an external interrupt.
 */
#include "book.h"

#define CSRR0     58
#define CSRR1     59
#define PIR       286
#define DBSR      304
#define DBCR0     308
#define IAC1      312
#define DAC1      316
#define SPEFSCR   512
#define MCSRR0    570
#define MCSRR1    571
#define MCSR      572
#define DSRR0     574
#define DSRR1     575
#define SPRG2     274

#define MSR_SPE   0x02000000
#define MSR_CE    0x00020000
#define MSR_FP    0x00002000
#define MSR_DE    0x00000200
#define TCR_WP_54 0x801A0000    /* the watchdog looks at bit 54 of the time base: every 1024 ticks */
#define TCR_FP_54 0x0201A000
#define TCR_WIE   0x08000000
#define TCR_FIE   0x00800000
#define TSR_WATCH 0xC0000000    /* ENW, WIS */
#define TSR_FIS   0x04000000
#define DBCR0_IDM 0x40000000
#define DBCR0_IC  0x08000000
#define DBCR0_BT  0x04000000
#define DBCR0_TIE 0x01000000
#define DBCR0_IAC1 0x00800000
#define DBCR0_DAC1R 0x00080000
#define DBCR0_DAC1W 0x00040000
#define DBCR0_RET 0x00008000
#define MPIC_IPIVPR      0x410A0
#define MPIC_IPIDR       0x60040
#define MPIC_IACK        0x600A0
#define BELL_CRITICAL    0x08000000     /* msgsnd: the type of message is in the upper five bits of RB */

#define CODE_EA   0x20000000
#define CODE_PA   0x00A00000
#define NOEXEC_EA 0x28000000
#define NOEXEC_PA 0x00A01000
#define READ_EA   0x2C000000
#define READ_PA   0x00A02000
#define PATIENCE  4000

/* A vector parks r1 in the SPRG of its class and saves the rest in that class's frame. 32 bytes each. */
.macro  vector  number, sprg, frame, way
        .balign 32
        mtspr   \sprg, r1
        lis     r1, \frame@ha
        stmw    r0, \frame@l(r1)
        addi    r1, r1, \frame@l
        li      r3, \number
        b       \way
.endm

.macro  base number
        vector  \number, SPRG0, base_frame, enter_base
.endm
.macro  critical number
        vector  \number, SPRG1, critical_frame, enter_critical
.endm

.macro  way     name, sprg, first, second, return
\name:  frame_save \first, \second
        bl      account
        frame_restore \first, \second
        mfspr   r1, \sprg
        \return
.endm

        .section .vectors, "ax"
        .globl  vectors
vectors:
        critical 0
        vector  1, SPRG3, check_frame, enter_check
        .irp    n, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11
        base    \n
        .endr
        critical 12
        base    13
        base    14
        critical 15                     /* e500v2: debug interrupts are critical ones */
        .irp    n, 32, 33, 34, 35, 36
        base    \n
        .endr
        critical 37
        .balign 32
debug_vector:
        vector  15, SPRG2, debug_frame, enter_debug

        way     enter_base, SPRG0, SRR0, SRR1, rfi
        way     enter_critical, SPRG1, CSRR0, CSRR1, rfci
        way     enter_debug, SPRG2, DSRR0, DSRR1, rfdi
        way     enter_check, SPRG3, MCSRR0, MCSRR1, rfmci

/* r1 = frame, r3 = number, r5, r6 = where from and with which MSR: note all of it, then do what this vector wants. */
account:
        address r7, trail
        lwz     r8, 0(r7)
        rotlwi  r8, r8, 3
        xor     r8, r8, r5
        add     r8, r8, r6
        xor     r8, r8, r3
        stw     r8, 0(r7)
        address r7, counts
        slwi    r8, r3, 2
        lwzx    r9, r7, r8
        addi    r9, r9, 1
        stwx    r9, r7, r8
        address r7, remedies
        lwzx    r9, r7, r8
        mtctr   r9
        bctr

skip:   addi    r5, r5, 4
        stw     r5, F_SRR0(r1)
nothing:
        blr
to_caller:                              /* nothing can be fetched there */
        lwz     r5, F_LR(r1)
        stw     r5, F_SRR0(r1)
        blr
deafen: li32    r7, MSR_CE | MSR_EE     /* its line may stay up: not again before the guest says so */
        andc    r6, r6, r7
        stw     r6, F_SRR1(r1)
        blr
check:  mfspr   r7, MCSR
        mtspr   MCSR, r7
        blr
acknowledge:
        li32    r7, CCSR_EA + MPIC_IACK
        lwz     r8, 0(r7)
        li      r8, 0
        li32    r7, CCSR_EA + MPIC_EOI
        stw     r8, 0(r7)
        b       deafen
with_fp:
        ori     r6, r6, MSR_FP
        stw     r6, F_SRR1(r1)
        blr
with_spe:
        oris    r6, r6, MSR_SPE@h
        stw     r6, F_SRR1(r1)
        blr
tick:   lis     r7, TSR_DIS@h
        b       1f
fit:    lis     r7, TSR_FIS@h
        b       1f
watch:  lis     r7, TSR_WATCH@h
1:      mtspr   TSR, r7
        rlwinm  r6, r6, 0, 14, 12       /* all but WE: whoever waited by it would wait again */
        stw     r6, F_SRR1(r1)
        blr
debugged:
        mfspr   r7, DBSR
        mtspr   DBSR, r7
        li      r7, 0
        mtspr   DBCR0, r7
        rlwinm  r6, r6, 0, 23, 21       /* all but DE */
        stw     r6, F_SRR1(r1)
        blr
miss:   mfspr   r7, MAS2
        rlwinm  r7, r7, 0, 0, 4         /* the region, of 128 MB */
        address r8, regions - 4
1:      lwzu    r9, 4(r8)
        lwzu    r10, 4(r8)
        cmpw    r9, r7
        bne     1b
        li      r9, 0
        mtspr   MAS3, r10
        mtspr   MAS7, r9
        tlbwe
        blr

        .section .rodata
        .balign 4
regions:
        .long   CODE_EA, CODE_PA + (SX | SR), NOEXEC_EA, NOEXEC_PA + (SR | SW)
remedies:
        .long   deafen, check, skip, to_caller, acknowledge, skip, skip, with_fp, nothing, skip, tick, fit, watch, miss, miss
        .long   debugged
        .space  16 * 4
        .long   with_spe, skip, skip, nothing, nothing, nothing

        .text
        .globl  _start, listen, deaf, changed
_start: address r1, stack_top
        bl      set_up
        bl      synchronous
        bl      change_code
        bl      debug_events
        bl      timers
        bl      messages
        bl      idle
        bl      listen
        bl      report
        li32    r4, CCSR_EA + RSTCR
        li      r5, 2
        stw     r5, 0(r4)
1:      b       1b

/* Our own 64 MB and the devices into TLB1, vectors by number, everything quiet. r28 = 1 on an e500v2. */
set_up: mflr    r31
        bl      1f
1:      mflr    r3
        li      r4, 0
        mtspr   MAS6, r4
        tlbsx   0, r3
        map_ourselves
        map_devices
        lis     r3, MAS0_TLB1(14)@h     /* a page that may only be read */
        li32    r4, MAS1_V | MAS1_4K
        li32    r5, READ_EA
        li32    r6, READ_PA | SR
        li      r7, 0
        write_entry
        isync
        li      r4, MAS1_4K | MAS2_M
        mtspr   MAS4, r4
        li      r3, 0
        mtspr   TCR, r3
        lis     r3, vectors@h
        mtspr   IVPR, r3
        .irp    n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
        li      r3, \n * 32
        mtspr   IVOR(\n), r3
        .endr
        mfspr   r4, PVR
        srwi    r4, r4, 16
        cmplwi  r4, 0x8021
        li      r28, 1
        beq     2f
        li      r28, 0
        li      r3, (debug_vector - vectors)
        mtspr   IVOR(15), r3
        li      r3, 20 * 32             /* doorbells; numbers from 32 on stand behind the sixteen */
        mtspr   532, r3
        li      r3, 21 * 32
        mtspr   533, r3
        b       3f
2:      li      r3, 16 * 32
        mtspr   528, r3
        li      r3, 17 * 32
        mtspr   529, r3
        li      r3, 18 * 32
        mtspr   530, r3
3:      mfspr   r3, HID0
        oris    r3, r3, HID0_DOZE@h
        ori     r3, r3, HID0_TBEN
        mtspr   HID0, r3
        li      r3, MSR_ME
        mtmsr   r3
        isync
        li32    r4, CCSR_EA + UART
        li      r5, 1
        stb     r5, FCR(r4)
        mtlr    r31
        blr

/* What an instruction causes. */
synchronous:
        mflr    r31
        sc
        twi     31, r0, 0
        .long   0                       /* illegal */
        li32    r4, READ_EA + 1
        lwarx   r5, 0, r4               /* alignment */
        stw     r5, 3(r4)               /* storage */
        li32    r4, NOEXEC_EA
        lwz     r5, 0(r4)
        mtlr    r4
        address r5, 1f
        mtctr   r4
        mtlr    r5
        bctr
1:      cmpwi   r28, 0
        bne     2f
        address r4, numbers
        lfd     f1, 0(r4)
        b       3f
2:      .machine push
        .machine e500
        evxor   r5, r5, r5
        li      r6, 0x10                /* FDBZE */
        mtspr   SPEFSCR, r6
        lis     r6, 0x3F80
        efsdiv  r5, r6, r5
        li      r6, 0
        mtspr   SPEFSCR, r6
        .machine pop
3:      mtlr    r31
        blr

/* Code made anew in a page of its own, and an instruction replaced under way: sixteen versions of each. */
change_code:
        mflr    r31
        li      r20, 16
        li      r21, 0
1:      li32    r4, CODE_PA
        lis     r5, 0x3860              /* li r3, N */
        or      r5, r5, r20
        stw     r5, 0(r4)
        li32    r5, 0x4E800020          /* blr */
        stw     r5, 4(r4)
        dcbst   0, r4
        sync
        icbi    0, r4
        sync
        isync
        li32    r5, CODE_EA
        mtctr   r5
        bctrl
        add     r21, r21, r3
        address r4, changed
        lis     r5, 0x3AB5              /* addi r21, r21, N */
        or      r5, r5, r20
        stw     r5, 0(r4)
        dcbst   0, r4
        sync
        icbi    0, r4
        sync
        isync
changed:
        nop
        addic.  r20, r20, -1
        bne     1b
        address r4, made
        stw     r21, 0(r4)
        mtlr    r31
        blr

/* enable what: one kind of debug event, for the next instructions; the handler disables it again */
.macro  enable  what
        li32    r5, DBCR0_IDM | \what
        mtspr   DBCR0, r5
        li      r6, MSR_ME | MSR_DE
        mtmsr   r6
        isync
.endm

debug_events:
        mflr    r31
        li      r7, MSR_ME
        address r4, 1f
        mtspr   IAC1, r4
        address r4, numbers
        mtspr   DAC1, r4
        enable  DBCR0_IC
        nop
        enable  DBCR0_BT
        b       0f
0:      enable  DBCR0_TIE
        trap
        enable  DBCR0_IAC1
1:      nop
        enable  DBCR0_DAC1R
        lwz     r5, 0(r4)
        enable  DBCR0_DAC1W
        stw     r5, 0(r4)
        address r5, 2f
        mtspr   SRR0, r5
        mtspr   SRR1, r6
        enable  DBCR0_RET
        rfi
2:      mtmsr   r7
        isync
        li      r5, 0
        mtspr   DBCR0, r5
        mtlr    r31
        blr

/* await number, bits: with these bits of MSR on, until the vector was counted or patience ends */
.macro  await   number, bits
        li32    r6, \bits | MSR_ME
        mtmsr   r6
        address r4, counts + 4 * \number
        lwz     r7, 0(r4)
        li32    r5, PATIENCE
        mtctr   r5
.Lawait\@:
        lwz     r5, 0(r4)
        cmpw    r5, r7
        bdnzt   eq, .Lawait\@
        li      r6, MSR_ME
        mtmsr   r6
.endm

timers: mflr    r31
        li      r5, 1000
        mtspr   DEC, r5
        lis     r5, TCR_DIE@h
        mtspr   TCR, r5
        await   10, MSR_EE
        li32    r5, TCR_FP_54 | TCR_FIE
        mtspr   TCR, r5
        await   11, MSR_EE
        li32    r5, TCR_WP_54 | TCR_WIE
        mtspr   TCR, r5
        await   12, MSR_CE
        li      r5, 0
        mtspr   TCR, r5
        mtlr    r31
        blr

/* An interrupt of the MPIC that we send ourselves, and doorbells. */
messages:
        mflr    r31
        li32    r4, CCSR_EA + MPIC_GCR
        lis     r5, 0x2000              /* mixed mode, no proxy */
        stw     r5, 0(r4)
        li32    r4, CCSR_EA + MPIC_IPIVPR
        li32    r5, 8 << 16 | 0x55
        stw     r5, 0(r4)
        li32    r4, CCSR_EA + MPIC_CTPR
        li      r5, 0
        stw     r5, 0(r4)
        li32    r4, CCSR_EA + MPIC_IPIDR
        li      r5, 1
        stw     r5, 0(r4)
        await   4, MSR_EE
        cmpwi   r28, 0
        bne     1f
        mfspr   r5, PIR
        msgsnd  r5
        await   36, MSR_EE
        mfspr   r5, PIR
        oris    r5, r5, BELL_CRITICAL@h
        msgsnd  r5
        await   37, MSR_CE
1:      mtlr    r31
        blr

/* Wait for three ticks. A `wait` after the tick would wait for the next: the decrementer reloads itself. */
idle:   mflr    r31
        lis     r5, 2
        mtspr   DECAR, r5
        mtspr   DEC, r5
        lis     r5, (TCR_DIE | TCR_ARE)@h
        mtspr   TCR, r5
        li      r20, 3
        li32    r4, MSR_WE | MSR_EE | MSR_ME
1:      cmpwi   r28, 0
        beq     2f
        mtmsr   r4
        isync
        b       3f
2:      wrteei  1
        wait
3:      addic.  r20, r20, -1
        bne     1b
        wrteei  0
        li      r5, 0
        mtspr   TCR, r5
        mtlr    r31
        blr

/* Everything enabled, over and over, among arithmetic and stores. */
listen: lis     r5, (TCR_DIE | TCR_WIE)@h     /* no timer runs */
        mtspr   TCR, r5
        li32    r6, MSR_EE | MSR_CE | MSR_ME | MSR_DE
        address r4, numbers
        li      r5, 2000
        mtctr   r5
1:      mtmsr   r6
        lwz     r5, 0(r4)
        mulli   r5, r5, 5
        addi    r5, r5, 3
        stw     r5, 0(r4)
        bdnz    1b
        li      r6, MSR_ME
deaf:   mtmsr   r6
        blr

report: mflr    r31
        li      r22, 0
1:      address r4, counts
        slwi    r5, r22, 2
        lwzx    r20, r4, r5
        cmpwi   r20, 0
        beq     2f
        say     "IVOR%d: %d\n", r22, r20
2:      addi    r22, r22, 1
        cmpwi   r22, 38
        blt     1b
        address r4, trail
        lwz     r20, 0(r4)
        address r4, made
        lwz     r21, 0(r4)
        address r4, numbers
        lwz     r22, 0(r4)
        say     "trail %x, made %x, numbers %x\n", r20, r21, r22
        mtlr    r31
        blr

        .bss
        .balign 16
trail:  .space  4
made:   .space  4
numbers: .space 8
        .globl  counts
counts: .space  38 * 4
        .balign 16
base_frame: .space F_SIZE
critical_frame: .space F_SIZE
debug_frame: .space F_SIZE
check_frame: .space F_SIZE
        .space  2048
stack_top: .space 16
