# Bare-metal start-up of the benchmark guests on the ppce500 board: map the devices, run the workload, print its
# checksum on the serial port, reset the board. The word after the marker is the number of repetitions; whoever runs
# the image patches it there.

        .set    STACK, 0x00F00000        # within the boot mapping and above the image
        .set    DEVICES_EA, 0xE0000000   # 16 MB of it are mapped to real 0xF_E0000000 (CCSR)
        .set    UART, 0x4500             # transmit holding register of serial0
        .set    RESET, 0xE00B0           # global utilities: RSTCR
        .set    RESET_REQUEST, 2

        .set    MAS0, 624
        .set    MAS1, 625
        .set    MAS2, 626
        .set    MAS3, 627
        .set    MAS7, 944
        .set    MAS0_TLB1_ENTRY_1, 0x10010000
        .set    MAS1_16M, 0xC0000700     # V, IPROT, TSIZE = 16 MB
        .set    MAS2_IG, 0xA
        .set    MAS3_ALL, 0x3F

        .text
        .globl  _start
_start: b       start
        .balign 8
        .ascii  "PPCBENCH"
repetitions:
        .long   1

start:  lis     %r1, STACK@h
        stwu    %r1, -64(%r1)
        bl      map_devices
        lis     %r3, repetitions@ha
        lwz     %r3, repetitions@l(%r3)
        bl      workload
        bl      print
        lis     %r4, (DEVICES_EA + RESET)@ha
        li      %r5, RESET_REQUEST
        stw     %r5, (DEVICES_EA + RESET)@l(%r4)
1:      b       1b

map_devices:
        lis     %r3, MAS0_TLB1_ENTRY_1@h
        mtspr   MAS0, %r3
        lis     %r3, MAS1_16M@h
        ori     %r3, %r3, MAS1_16M@l
        mtspr   MAS1, %r3
        lis     %r3, DEVICES_EA@h
        ori     %r3, %r3, MAS2_IG
        mtspr   MAS2, %r3
        lis     %r3, DEVICES_EA@h        # the low half of the real address is the same
        ori     %r3, %r3, MAS3_ALL
        mtspr   MAS3, %r3
        li      %r3, 0xF
        mtspr   MAS7, %r3
        isync
        tlbwe
        isync
        blr

# r3 as eight hexadecimal digits and a line end.
print:  lis     %r4, (DEVICES_EA + UART)@ha
        li      %r5, 8
        mtctr   %r5
1:      rotlwi  %r3, %r3, 4
        clrlwi  %r5, %r3, 28
        cmplwi  %r5, 10
        addi    %r5, %r5, '0'
        blt     2f
        addi    %r5, %r5, 'a' - '0' - 10
2:      stb     %r5, (DEVICES_EA + UART)@l(%r4)
        bdnz    1b
        li      %r5, '\n'
        stb     %r5, (DEVICES_EA + UART)@l(%r4)
        blr
