"""A hypervisor's world switch as machine code that the core model runs: sequences, variants of them, a host around."""
