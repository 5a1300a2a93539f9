"""Programs that show how ppcdbg is driven from Python; each is run with ``python -m ppcdbg.examples.NAME``."""
