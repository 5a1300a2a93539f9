"""Floor 11: the prompt, and scripts without one; start at ``shell.py``."""
