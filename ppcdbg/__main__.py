"""``python -m ppcdbg``: the same as the ``ppcdbg`` script."""

from ppcdbg.cli.main import main

if __name__ == "__main__":
    raise SystemExit(main())
