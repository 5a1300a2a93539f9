"""Floor 9: the core API of the debugger: stops, commands, queries, symbols. It owns no text layout and no colour."""
