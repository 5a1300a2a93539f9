/* (u) a vcpu that KVM refuses to run: OSI is taken, PAPR makes it insane, and KVM_RUN comes back with EINVAL */
#define HANDLER_HOOK bl hook
#include "prologue.S"
hook:	li r26, 0
	blr
main:	MARK 1
	li r3, 52		/* KVM_CAP_PPC_OSI: taken, and of no effect */
	stw r3, P_CAP(r28)
	MARK 2
	li r3, 1
	RES r3
	li r3, 48		/* KVM_CAP_PPC_PAIRED_SINGLES: none that is enabled */
	stw r3, P_CAP(r28)
	MARK 3
	li r3, 68		/* KVM_CAP_PPC_PAPR */
	stw r3, P_CAP(r28)
	li r3, 2
	RES r3
	MARK 4
	EXIT
#include "epilogue.S"
