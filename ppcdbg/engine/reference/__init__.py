"""The reference engine: the instruction table run on Python numbers. The oracle, and the fallback."""
