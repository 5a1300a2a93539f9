/* SPDX-License-Identifier: Apache-2.0
 *
 * Names of the architecture (Power ISA Book III-E; e500 manuals), of the board, and of this guest's memory.
 */

/* Special-purpose registers */
#define DEC       22
#define SRR0      26
#define SRR1      27
#define PID       48
#define DECAR     54
#define DEAR      61
#define ESR       62
#define IVPR      63
#define SPRG0     272
#define SPRG1     273
#define SPRG3     275
#define PVR       287
#define TSR       336
#define TCR       340
#define IVOR(n)   (400 + (n))
#define MAS0      624
#define MAS1      625
#define MAS2      626
#define MAS3      627
#define MAS4      628
#define MAS6      630
#define EPR       702
#define MAS7      944
#define HID0      1008

/* MSR */
#define MSR_WE    0x00040000    /* wait: e500v2; the e500mc has the instruction `wait` */
#define MSR_EE    0x00008000    /* external, decrementer, ... interrupts */
#define MSR_PR    0x00004000    /* user mode */
#define MSR_ME    0x00001000    /* machine check interrupts */

#define ESR_PIL   0x08000000    /* illegal instruction */
#define ESR_PPR   0x04000000    /* privileged instruction in user mode */
#define ESR_PTR   0x02000000    /* trap instruction */
#define TCR_DIE   0x04000000    /* decrementer interrupts */
#define TCR_ARE   0x00400000    /* reload DEC from DECAR */
#define TSR_DIS   0x08000000    /* a decrementer interrupt is due */
#define HID0_DOZE 0x00800000    /* what MSR[WE] means */
#define HID0_TBEN 0x00004000    /* let the time base run */

/* MMU assist registers: one TLB entry in pieces */
#define MAS0_TLB1(esel)  (0x10000000 | ((esel) << 16))
#define MAS1_V           0x80000000
#define MAS1_IPROT       0x40000000
#define MAS1_4K          (2 << 7)
#define MAS1_1M          (10 << 7)
#define MAS1_64M         (16 << 7)
#define MAS2_I_G         0x0A          /* not cached, guarded: devices */
#define MAS2_M           0x04
#define UX 0x20
#define SX 0x10
#define UW 0x08
#define SW 0x04
#define UR 0x02
#define SR 0x01

/* The board: QEMU's ppce500. Its devices are at real address F_E000_0000, which takes MAS7. */
#define CCSR_EA          0xE0000000
#define CCSR_PA_HIGH     0xF
#define CCSR_PA_LOW      0xE0000000
#define UART             0x4500        /* offsets into CCSR, below too */
#define   THR            0
#define   IER            1
#define   IIR            2             /* read */
#define   FCR            2             /* written */
#define   LSR            5
#define   IER_THRE       0x02
#define   LSR_THRE       0x20
#define MPIC_GCR         0x41020
#define   GCR_RESET      0x80000000
#define   GCR_PROXY      0x60000000    /* the core acknowledges by itself: EPR has the vector */
#define MPIC_IVPR(n)     (0x50000 + (n) * 0x20)
#define MPIC_IDR(n)      (0x50010 + (n) * 0x20)
#define   IVPR_LEVEL     0x00C00000    /* level, active high */
#define MPIC_CTPR        0x60080
#define MPIC_EOI         0x600B0
#define SERIAL_IRQ       42
#define RSTCR            0xE00B0       /* writing 2 resets the board */

/* KVM's paravirtual interface: hypercall tokens, and the magic page's fields (Linux, virt/kvm/ppc-pv.rst) */
#define KVM_HC_FEATURES  0x002A0003
#define KVM_HC_MAP_MAGIC 0x002A0004
#define FEATURE_MAGIC    0x2
#define MAGIC            (-4096)       /* the last page: every field is within a displacement from r0 = 0 */
#define MAGIC_NX         1             /* "the page need not be executable" */
#define   M_CRITICAL     (MAGIC + 0x18)
#define   M_SPRG3        (MAGIC + 0x38)
#define   M_MSR          (MAGIC + 0x58)
#define   M_INT_PENDING  (MAGIC + 0x64)

/* This guest's memory: what the miss handler maps, 4 KB at a time (regions, in vectors.S) */
#define WINDOW_EA        0x40000000
#define WINDOW_PA        0x00800000
#define WINDOW_PAGES     32
#define CROWD_EA         0x60000000    /* pages 512 KB apart share one set of TLB0's 128 */
#define CROWD_PA         0x00900000
#define CROWD_STRIDE     0x00080000
#define CROWD_PAGES      6
#define USER_EA          0x10000000

/* An interrupt's frame: r0..r31, then these */
#define F_CR    128
#define F_LR    132
#define F_CTR   136
#define F_XER   140
#define F_SRR0  144
#define F_SRR1  148
#define F_SIZE  160

/* la REG, SYMBOL and li32 REG, NUMBER; say "format", values in registers for %d %x %s, in order */
.macro  address reg, symbol
        lis     \reg, \symbol@ha
        addi    \reg, \reg, \symbol@l
.endm

.macro  li32    reg, number
        lis     \reg, (\number)@h
        ori     \reg, \reg, (\number)@l
.endm

.macro  say     format, a, b, c
        .pushsection .rodata
.Lsay\@: .asciz "\format"
        .popsection
        .ifnb \a
        mr      r4, \a
        .endif
        .ifnb \b
        mr      r5, \b
        .endif
        .ifnb \c
        mr      r6, \c
        .endif
        address r3, .Lsay\@
        bl      print
.endm

/* One entry of the TLB: r3-r7 = MAS0-MAS3 and MAS7 */
.macro  write_entry
        mtspr   MAS0, r3
        mtspr   MAS1, r4
        mtspr   MAS2, r5
        mtspr   MAS3, r6
        mtspr   MAS7, r7
        isync
        tlbwe
.endm

/* Make the entry that tlbsx has found our own: 64 MB at address 0, which is real address 0, protected. Uses r4-r7. */
.macro  map_ourselves
        li32    r4, MAS1_V | MAS1_IPROT | MAS1_64M
        li      r5, MAS2_M
        li      r6, SX | SW | SR
        li      r7, 0
        mtspr   MAS1, r4
        mtspr   MAS2, r5
        mtspr   MAS3, r6
        mtspr   MAS7, r7
        isync
        tlbwe
        isync
.endm

/* The devices, in TLB1[15]. Uses r3-r7; isync is the caller's. */
.macro  map_devices
        lis     r3, MAS0_TLB1(15)@h
        li32    r4, MAS1_V | MAS1_IPROT | MAS1_1M
        li32    r5, CCSR_EA | MAS2_I_G
        li32    r6, CCSR_PA_LOW | SW | SR
        li      r7, CCSR_PA_HIGH
        write_entry
.endm

/* A Program interrupt, whole: counted in r30, its ESR in r31, the instruction stepped over. Uses SPRG0. */
.macro  count_program
        mtspr   SPRG0, r3
        mfspr   r3, ESR
        mr      r31, r3
        addi    r30, r30, 1
        mfspr   r3, SRR0
        addi    r3, r3, 4
        mtspr   SRR0, r3
        mfspr   r3, SPRG0
        rfi
.endm

/* The rest of a frame at r1, and back: what came from where is in a pair of save registers. Uses r5-r8. */
.macro  frame_save first, second
        mfcr    r5
        mflr    r6
        mfctr   r7
        mfxer   r8
        stw     r5, F_CR(r1)
        stw     r6, F_LR(r1)
        stw     r7, F_CTR(r1)
        stw     r8, F_XER(r1)
        mfspr   r5, \first
        mfspr   r6, \second
        stw     r5, F_SRR0(r1)
        stw     r6, F_SRR1(r1)
.endm

.macro  frame_restore first, second
        lwz     r5, F_CR(r1)
        lwz     r6, F_LR(r1)
        lwz     r7, F_CTR(r1)
        lwz     r8, F_XER(r1)
        mtcr    r5
        mtlr    r6
        mtctr   r7
        mtxer   r8
        lwz     r5, F_SRR0(r1)
        lwz     r6, F_SRR1(r1)
        mtspr   \first, r5
        mtspr   \second, r6
        lwz     r0, 0(r1)
        lmw     r2, 8(r1)
.endm
