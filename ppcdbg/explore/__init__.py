"""Floor 8: search over schedules. It knows a system and its input queue, and neither debugger nor front end."""
