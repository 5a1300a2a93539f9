"""Floor 11: the terminal UI. The only room that opens textual and rich; its door is :mod:`ppcdbg.tui.opening`."""
