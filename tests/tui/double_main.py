"""The screen over the double, as a program of its own: what the tests of the terminal start."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]


def main() -> int:
    from ppcdbg.tui.opening import Options, open_screen
    from tui.double import Double

    return open_screen(Double(), Options())


if __name__ == "__main__":
    sys.exit(main())
