"""Measure ppcdbg, alone and beside QEMU: rows of figures. Start at ``rows.py``; ``clock.py`` reads the clock."""
