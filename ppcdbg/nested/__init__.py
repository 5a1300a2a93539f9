"""Floor 6: the audit of a nested exit, field by field. It knows no machine; the vcpu that it is about is an x86's."""
