"""One example of each instruction with what it must do, worked out by hand from the book.

A row is ``name fields | before | after``. Fields are raw numbers, displacements in bytes; register values and memory
(``m`` and a real address) are hexadecimal, numbers with a point are doubles, ``f1.w`` is the low word of f1, ``~``
allows the error of an estimate, ``*`` anything. ``vector`` is the interrupt taken. Every register and byte that the
right-hand side does not name must stay as it was. Before: rN = 0xdead0000 + N, but r4 = 0x4000; FPRs, FPSCR, CR, XER
and memory are 0.
"""

from __future__ import annotations

ROWS = """
addi RT=3,RA0=4,SI=-8 | r4=10 | r3=8
addis RT=3,RA0=0,SIS=0x1234 | | r3=12340000
addic RT=3,RA=4,SI=-1 | r4=1 | r3=0 xer=20000000
addic. RT=3,RA=4,SI=-1 | r4=0 | r3=ffffffff cr=80000000
subfic RT=3,RA=4,SI=5 | r4=3 | r3=2 xer=20000000
mulli RT=3,RA=4,SI=-3 | r4=7 | r3=ffffffeb
add RT=3,RA=4,RB=5,OE=1,Rc=1 | r4=7fffffff r5=1 | r3=80000000 xer=c0000000 cr=90000000
addc RT=3,RA=4,RB=5 | r4=ffffffff r5=2 | r3=1 xer=20000000
adde RT=3,RA=4,RB=5 | r4=1 r5=2 xer=20000000 | r3=4 xer=0
addme RT=3,RA=4 | r4=5 xer=20000000 | r3=5
addze RT=3,RA=4 | r4=5 xer=20000000 | r3=6 xer=0
subf RT=3,RA=4,RB=5 | r4=3 r5=a | r3=7
subfc RT=3,RA=4,RB=5 | r4=3 r5=2 xer=20000000 | r3=ffffffff xer=0
subfe RT=3,RA=4,RB=5 | r4=3 r5=a | r3=6 xer=20000000
subfme RT=3,RA=4 | r4=3 xer=20000000 | r3=fffffffc
subfze RT=3,RA=4 | r4=3 xer=20000000 | r3=fffffffd xer=0
neg RT=3,RA=4,OE=1 | r4=80000000 | r3=80000000 xer=c0000000
mullw RT=3,RA=4,RB=5,OE=1 | r4=10000 r5=10000 | r3=0 xer=c0000000
mulhw RT=3,RA=4,RB=5 | r4=80000000 r5=2 | r3=ffffffff
mulhwu RT=3,RA=4,RB=5 | r4=80000000 r5=2 | r3=1
divw RT=3,RA=4,RB=5 | r4=fffffff9 r5=2 | r3=fffffffd
divwu RT=3,RA=4,RB=5 | r4=fffffff9 r5=2 | r3=7ffffffc
isel RT=3,RA0=4,RB=5,BC=2 | r4=1 r5=2 cr=20000000 | r3=1

ori RS=4,RA=3,UI=0xff | r4=100 | r3=1ff
oris RS=4,RA=3,UIS=0xff | r4=100 | r3=ff0100
xori RS=4,RA=3,UI=0xff | r4=f0f | r3=ff0
xoris RS=4,RA=3,UIS=0x8000 | r4=80000001 | r3=1
andi. RS=4,RA=3,UI=0xff | r4=f0f | r3=f cr=40000000
andis. RS=4,RA=3,UIS=0x8000 | r4=ffffffff | r3=80000000 cr=80000000
and RS=4,RA=3,RB=5 | r4=ff0 r5=f0f | r3=f00
andc RS=4,RA=3,RB=5 | r4=ff0 r5=f0f | r3=f0
or RS=4,RA=3,RB=5 | r4=f0 r5=f | r3=ff
orc RS=4,RA=3,RB=5 | r4=0 r5=fffffff0 | r3=f
xor RS=4,RA=3,RB=5 | r4=ff r5=f | r3=f0
nand RS=4,RA=3,RB=5 | r4=ff r5=f | r3=fffffff0
nor RS=4,RA=3,RB=5 | r4=f0 r5=f | r3=ffffff00
eqv RS=4,RA=3,RB=5 | r4=ff r5=f | r3=ffffff0f
cntlzw RS=4,RA=3 | r4=10000 | r3=f
extsb RS=4,RA=3 | r4=80 | r3=ffffff80
extsh RS=4,RA=3 | r4=8000 | r3=ffff8000

rlwinm RS=4,RA=3,SH=8,MASK=0x31f | r4=ab000000 | r3=ab
rlwnm RS=4,RA=3,RB=5,MASK=0x31f | r4=ab000000 r5=28 | r3=ab
rlwimi RS=4,RA=3,SH=8,MASK=0x217 | r4=ab r3=11111111 | r3=1111ab11
slw RS=4,RA=3,RB=5 | r4=1 r5=1f | r3=80000000
srw RS=4,RA=3,RB=5 | r4=80000000 r5=3f | r3=0
sraw RS=4,RA=3,RB=5 | r4=80000001 r5=1 | r3=c0000000 xer=20000000
srawi RS=4,RA=3,SH=4 | r4=fffffff0 xer=20000000 | r3=ffffffff xer=0

cmpi BF=1,RA=4,SI=-1 | r4=0 | cr=04000000
cmp BF=2,RA=4,RB=5 | r4=80000000 r5=0 | cr=00800000
cmpli BF=1,RA=4,UI=0xffff | r4=ffff xer=80000000 | cr=03000000
cmpl BF=7,RA=4,RB=5 | r4=80000000 r5=0 | cr=00000004

lbz RT=3,RA0=4,D=1 | m4000=00ff | r3=ff
lbzu RT=3,RA=4,D=1 | m4000=00fe | r3=fe r4=4001
lbzx RT=3,RA0=4,RB=5 | r5=2 m4002=fd | r3=fd
lbzux RT=3,RA=4,RB=5 | r5=2 m4002=fc | r3=fc r4=4002
lhz RT=3,RA0=4,D=2 | m4002=8001 | r3=8001
lhzu RT=3,RA=4,D=2 | m4002=8002 | r3=8002 r4=4002
lhzx RT=3,RA0=4,RB=5 | r5=1 m4001=8003 | r3=8003
lhzux RT=3,RA=4,RB=5 | r5=1 m4001=8004 | r3=8004 r4=4001
lha RT=3,RA0=4,D=2 | m4002=8001 | r3=ffff8001
lhau RT=3,RA=4,D=2 | m4002=8002 | r3=ffff8002 r4=4002
lhax RT=3,RA0=4,RB=5 | r5=1 m4001=7003 | r3=7003
lhaux RT=3,RA=4,RB=5 | r5=1 m4001=8004 | r3=ffff8004 r4=4001
lwz RT=3,RA0=0,D=0x4001 | m4001=89abcdef | r3=89abcdef
lwzu RT=3,RA=4,D=-4 | r4=4008 m4004=89abcdef | r3=89abcdef r4=4004
lwzx RT=3,RA0=4,RB=5 | r5=fffffffc r4=4004 m4000=01020304 | r3=01020304
lwzux RT=3,RA=4,RB=5 | r5=4 m4004=01020304 | r3=01020304 r4=4004
lhbrx RT=3,RA0=4,RB=5 | r5=2 m4002=1234 | r3=3412
lwbrx RT=3,RA0=4,RB=5 | r5=4 m4004=12345678 | r3=78563412
lmw RT=30,RA0=4,D=0 | m4000=0000000100000002 | r30=1 r31=2
lwarx RT=3,RA0=4,RB=5 | r5=0 m4000=00000007 | r3=7

stb RS=3,RA0=4,D=1 | r3=12345678 | m4001=78
stbu RS=3,RA=4,D=1 | r3=12345678 | m4001=78 r4=4001
stbx RS=3,RA0=4,RB=5 | r3=12345678 r5=2 | m4002=78
stbux RS=3,RA=4,RB=5 | r3=12345678 r5=2 | m4002=78 r4=4002
sth RS=3,RA0=4,D=2 | r3=12345678 | m4002=5678
sthu RS=3,RA=4,D=2 | r3=12345678 | m4002=5678 r4=4002
sthx RS=3,RA0=4,RB=5 | r3=12345678 r5=1 | m4001=5678
sthux RS=3,RA=4,RB=5 | r3=12345678 r5=1 | m4001=5678 r4=4001
stw RS=3,RA0=4,D=4 | r3=12345678 | m4004=12345678
stwu RS=4,RA=4,D=4 | | m4004=00004000 r4=4004
stwx RS=3,RA0=4,RB=5 | r3=12345678 r5=1 | m4001=12345678
stwux RS=3,RA=4,RB=5 | r3=12345678 r5=8 | m4008=12345678 r4=4008
sthbrx RS=3,RA0=4,RB=5 | r3=12345678 r5=2 | m4002=7856
stwbrx RS=3,RA0=4,RB=5 | r3=12345678 r5=4 | m4004=78563412
stmw RS=30,RA0=4,D=0 | r30=1 r31=2 | m4000=0000000100000002

b LI=0x10,LK=1 | | pc=2010 lr=2004
bc BO=12,BI=2,BD=-16 | cr=20000000 | pc=1ff0
bclr BO=20,BI=0 | lr=3003 | pc=3000
bcctr BO=20,BI=0,LK=1 | ctr=3000 | pc=3000 lr=2004
sc LEV=0 | | vector=8 srr0=2004
crand BT=0,BA=1,BB=2 | cr=60000000 | cr=e0000000
cror BT=0,BA=1,BB=2 | cr=20000000 | cr=a0000000
crxor BT=0,BA=1,BB=2 | cr=e0000000 | cr=60000000
crnand BT=0,BA=1,BB=2 | cr=e0000000 | cr=60000000
crnor BT=0,BA=1,BB=2 | | cr=80000000
creqv BT=0,BA=1,BB=2 | | cr=80000000
crandc BT=0,BA=1,BB=2 | cr=40000000 | cr=c0000000
crorc BT=0,BA=1,BB=2 | | cr=80000000
mcrf BF=0,BFA=7 | cr=00000005 | cr=50000005
mcrxr BF=1 | xer=e000007f | cr=0e000000 xer=7f
mfcr RT=3 | cr=12345678 | r3=12345678
mfocrf RT=3,FXM=0x80 | cr=50000000 | r3=50000000
mtcrf RS=4,FXM=0x81 | r4=12345678 | cr=10000008
mtocrf RS=4,FXM=0x40 | r4=12345678 | cr=02000000
twi TO=4,RA=4,SI=5 | r4=5 | vector=6 esr=02000000 srr0=2000
tw TO=1,RA=4,RB=5 | r4=ffffffff r5=1 | vector=6 esr=02000000 srr0=2000

mfspr RT=3,SPR=272 | sprg0=1234 | r3=1234
mtspr RS=4,SPR=272 | r4=5678 | sprg0=5678
mfmsr RT=3 | msr=9000 | r3=9000
mtmsr RS=4 | r4=9000 | msr=9000
wrtee RS=4 | r4=ffffffff msr=1000 | msr=9000
wrteei E=1 | msr=1000 | msr=9000
rfi | srr0=3000 srr1=9000 | pc=3000 msr=9000
rfci | csrr0=3000 csrr1=9000 | pc=3000 msr=9000
rfdi | dsrr0=3000 dsrr1=9000 | pc=3000 msr=9000
rfmci | mcsrr0=3000 mcsrr1=9000 | pc=3000 msr=9000
rfgi | gsrr0=3000 gsrr1=9000 | pc=3000 msr=9000
ehpriv OC=5 | ivor41=900 msr=1000 | pc=10900 srr0=2000 srr1=1000
dnh | | vector=6 esr=08000000 srr0=2000

dcba RA0=4,RB=5 | r4=40000000 r5=0 |
dcbf RA0=4,RB=5 | r4=40000000 r5=0 | vector=13 dear=40000000 esr=0
dcbst RA0=4,RB=5 | r4=40000000 r5=0 | vector=13 dear=40000000 esr=0
dcbi RA0=4,RB=5 | r4=40000000 r5=0 | vector=13 dear=40000000 esr=00800000
dcbt RA0=4,RB=5 | r4=40000000 r5=0 |
dcbtst RA0=4,RB=5 | r4=40000000 r5=0 |
icbi RA0=4,RB=5 | r4=40000000 r5=0 | vector=13 dear=40000000 esr=0
icbt RA0=4,RB=5 | r4=40000000 r5=0 |
dcbtls RA0=4,RB=5 | r5=0 l1csr0=0 | l1csr0=400
dcbtstls RA0=4,RB=5 | r5=0 l1csr0=0 | l1csr0=400
dcblc RA0=4,RB=5 | r4=40000000 r5=0 | vector=13 dear=40000000 esr=0
icbtls RA0=4,RB=5 | r5=0 l1csr1=0 | l1csr1=400
icblc RA0=4,RB=5 | r4=40000000 r5=0 | vector=13 dear=40000000 esr=0
sync | |
mbar | |
isync | |
bblels | |
bbelr | |
tlbsync | |

lbepx RT=3,RA0=4,RB=5 | msr=1010 r4=c0200000 r5=3 m200003=ab m300003=cd | r3=ab
lhepx RT=3,RA0=4,RB=5 | msr=1010 r4=c0200000 r5=2 m200002=abcd m300002=1111 | r3=abcd
lwepx RT=3,RA0=4,RB=5 | msr=1010 r4=c0200000 r5=0 m200000=01020304 m300000=11111111 eplc=40000000 | r3=11111111
stbepx RS=3,RA0=4,RB=5 | msr=1010 r3=12345678 r4=c0200000 r5=3 | m200003=78
sthepx RS=3,RA0=4,RB=5 | msr=1010 r3=12345678 r4=c0200000 r5=2 | m200002=5678
stwepx RS=3,RA0=4,RB=5 | msr=1010 r3=12345678 r4=c0200000 r5=0 epsc=40000000 | m300000=12345678
lfdepx FRT=1,RA0=4,RB=5 | msr=3010 r4=c0200000 r5=0 m200000=3ff8000000000000 | f1=1.5
stfdepx FRS=1,RA0=4,RB=5 | msr=3010 r4=c0200000 r5=0 f1=1.5 | m200000=3ff8000000000000
dcbfep RA0=4,RB=5 | r4=40000000 r5=0 | vector=13 dear=40000000 esr=40
dcbstep RA0=4,RB=5 | r4=40000000 r5=0 | vector=13 dear=40000000 esr=40
icbiep RA0=4,RB=5 | r4=40000000 r5=0 | vector=13 dear=40000000 esr=40
dcbtep RA0=4,RB=5 | r4=40000000 r5=0 |
dcbtstep RA0=4,RB=5 | r4=40000000 r5=0 |
lbdx RT=3,RA=4,RB=5 | r5=4000 m4000=ab | r3=ab
lhdx RT=3,RA=4,RB=5 | r5=4000 m4000=abcd | r3=abcd
lwdx RT=3,RA=4,RB=5 | r5=4000 m4000=01020304 | r3=01020304
lfddx FRT=1,RA=4,RB=5 | r5=4000 m4000=3ff8000000000000 | f1=1.5
stbdx RS=3,RA=4,RB=5 | r3=12345678 r5=4000 | m4000=78
sthdx RS=3,RA=4,RB=5 | r3=12345678 r5=4000 | m4000=5678
stwdx RS=3,RA=4,RB=5 | r3=12345678 r5=4000 | m4000=12345678
stfddx FRS=1,RA=4,RB=5 | r5=4000 f1=1.5 | m4000=3ff8000000000000
dsn RA=4,RB=5 | r5=40000000 |

lfs FRT=1,RA0=4,D=0 | m4000=3fc00000 | f1=1.5
lfsu FRT=1,RA=4,D=4 | m4004=3fc00000 | f1=1.5 r4=4004
lfsx FRT=1,RA0=4,RB=5 | r5=4 m4004=80000001 | f1=b6a0000000000000
lfsux FRT=1,RA=4,RB=5 | r5=4 m4004=7f800000 | f1=7ff0000000000000 r4=4004
lfd FRT=1,RA0=4,D=0 | m4000=3ff8000000000000 | f1=1.5
lfdu FRT=1,RA=4,D=8 | m4008=3ff8000000000000 | f1=1.5 r4=4008
lfdx FRT=1,RA0=4,RB=5 | r5=8 m4008=3ff8000000000000 | f1=1.5
lfdux FRT=1,RA=4,RB=5 | r5=8 m4008=3ff8000000000000 | f1=1.5 r4=4008
stfs FRS=1,RA0=4,D=0 | f1=1.5 | m4000=3fc00000
stfsu FRS=1,RA=4,D=4 | f1=1.5 | m4004=3fc00000 r4=4004
stfsx FRS=1,RA0=4,RB=5 | r5=4 f1=b6a0000000000000 | m4004=80000001
stfsux FRS=1,RA=4,RB=5 | r5=4 f1=1.5 | m4004=3fc00000 r4=4004
stfd FRS=1,RA0=4,D=0 | f1=1.5 | m4000=3ff8000000000000
stfdu FRS=1,RA=4,D=8 | f1=1.5 | m4008=3ff8000000000000 r4=4008
stfdx FRS=1,RA0=4,RB=5 | r5=8 f1=1.5 | m4008=3ff8000000000000
stfdux FRS=1,RA=4,RB=5 | r5=8 f1=1.5 | m4008=3ff8000000000000 r4=4008
stfiwx FRS=1,RA0=4,RB=5 | r5=4 f1=12345678deadbeef | m4004=deadbeef
fmr FRT=1,FRB=2 | f2=-2.5 | f1=-2.5
fneg FRT=1,FRB=2 | f2=2.5 | f1=-2.5
fabs FRT=1,FRB=2 | f2=-2.5 | f1=2.5
fnabs FRT=1,FRB=2 | f2=2.5 | f1=-2.5
fadd FRT=1,FRA=2,FRB=3 | f2=1.5 f3=2.25 | f1=3.75 fpscr=4000
fadds FRT=1,FRA=2,FRB=3 | f2=1.5 f3=-1.5 | f1=0.0 fpscr=2000
fsub FRT=1,FRA=2,FRB=3 | f2=1.5 f3=2.25 | f1=-0.75 fpscr=8000
fsubs FRT=1,FRA=2,FRB=3 | f2=1.5 f3=2.25 | f1=-0.75 fpscr=8000
fdiv FRT=1,FRA=2,FRB=3 | f2=3.0 f3=0.0 | f1=7ff0000000000000 fpscr=84005000
fdivs FRT=1,FRA=2,FRB=3,Rc=1 | f2=3.0 f3=2.0 fpscr=80000000 | f1=1.5 fpscr=80004000 cr=08000000
fmul FRT=1,FRA=2,FRC=3 | f2=1.5 f3=-2.0 | f1=-3.0 fpscr=8000
fmuls FRT=1,FRA=2,FRC=3 | f2=1.5 f3=2.0 | f1=3.0 fpscr=4000
fres FRT=1,FRB=2 | f2=2.0 | f1~0.5 fpscr=*
frsqrte FRT=1,FRB=2 | f2=4.0 | f1~0.5 fpscr=*
fmadd FRT=1,FRA=2,FRC=3,FRB=4 | f2=1.5 f3=2.0 f4=0.25 | f1=3.25 fpscr=4000
fmadds FRT=1,FRA=2,FRC=3,FRB=4 | f2=1.5 f3=2.0 f4=0.25 | f1=3.25 fpscr=4000
fmsub FRT=1,FRA=2,FRC=3,FRB=4 | f2=1.5 f3=2.0 f4=0.25 | f1=2.75 fpscr=4000
fmsubs FRT=1,FRA=2,FRC=3,FRB=4 | f2=1.5 f3=2.0 f4=0.25 | f1=2.75 fpscr=4000
fnmadd FRT=1,FRA=2,FRC=3,FRB=4 | f2=1.5 f3=2.0 f4=0.25 | f1=-3.25 fpscr=8000
fnmadds FRT=1,FRA=2,FRC=3,FRB=4 | f2=1.5 f3=2.0 f4=0.25 | f1=-3.25 fpscr=8000
fnmsub FRT=1,FRA=2,FRC=3,FRB=4 | f2=1.5 f3=2.0 f4=0.25 | f1=-2.75 fpscr=8000
fnmsubs FRT=1,FRA=2,FRC=3,FRB=4 | f2=1.5 f3=2.0 f4=0.25 | f1=-2.75 fpscr=8000
frsp FRT=1,FRB=2 | f2=3ff199999999999a | f1=3ff19999a0000000 fpscr=82064000
fctiw FRT=1,FRB=2 | f2=3.0 | f1.w=3 fpscr=*
fctiwz FRT=1,FRB=2 | f2=-1.5 | f1.w=ffffffff fpscr=*
fcmpu BF=1,FRA=2,FRB=3 | f2=1.0 f3=2.0 | cr=08000000 fpscr=8000
fcmpo BF=1,FRA=2,FRB=3 | f2=2.0 f3=2.0 | cr=02000000 fpscr=2000
fsel FRT=1,FRA=2,FRC=3,FRB=4 | f2=-1.0 f3=1.0 f4=2.0 | f1=2.0
mffs FRT=1 | fpscr=4003 | f1.w=4003
mcrfs BF=1,BFA=3 | fpscr=a0080000 | cr=08000000 fpscr=80000000
mtfsfi BF=7,U=3 | | fpscr=3
mtfsf FLM=0xff,FRB=2 | f2=0000000000004001 | fpscr=4001
mtfsb0 BT=31 | fpscr=3 | fpscr=2
mtfsb1 BT=30 | | fpscr=2
"""
