"""Floor 12: arguments, exit statuses and wiring; the only floor that prints or exits. Start at ``main.py``."""
