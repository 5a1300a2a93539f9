"""Floor 11: the terminal UI. The only room that opens textual and rich; the entry is :func:`ppcdbg.tui.app.run_app`."""
