"""What a terminal can show, by what the environment says of it: colours, signs, and the theme that suits.

Nothing is asked of the terminal itself, and nothing is written.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping


def default_theme(environment: Mapping[str, str]) -> str:
    """The theme for a terminal when the user named none: by NO_COLOR, and by how many colours TERM promises."""
    if environment.get("NO_COLOR"):
        return "plain"
    count = colours(environment)
    return "plain" if count == 1 else "terminal" if count == 16 else "dark"


def colours(environment: Mapping[str, str]) -> int:
    """How many colours the terminal has, from its name: 1, 16, 256 or 2**24."""
    term = environment.get("TERM", "")
    if environment.get("COLORTERM", "").lower() in ("truecolor", "24bit") or term.endswith("-direct"):
        return 1 << 24
    if term in ("", "dumb") or term.startswith("vt"):
        return 1
    if "256" in term or term.startswith(("xterm-kitty", "alacritty", "foot", "wezterm")):
        return 256
    return 16


def wants_ascii(environment: Mapping[str, str]) -> bool:
    """True when the locale's character set has no box drawing."""
    for name in ("LC_ALL", "LC_CTYPE", "LANG"):
        value = environment.get(name)
        if value:
            return "utf" not in value.lower()
    encoding = getattr(sys.stdout, "encoding", None) or ""
    return "utf" not in encoding.lower()
