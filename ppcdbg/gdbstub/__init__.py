"""Floor 11: the gdb remote stub: packets in, packets out, and the transports that carry them."""
