/* (p) idle for ever: the alarm of userspace ends it */
#define HANDLER_HOOK bl hook
#include "prologue.S"
hook:	li r26, 0
	blr
main:	MARK 1
	LDI r3, 0x00048000
	mtmsr r3
	MARK 2
	EXIT
#include "epilogue.S"
