"""What the tests of the screen share: the shipped themes, and an app over the double."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ppcdbg.tui.app import PpcdbgApp
from ppcdbg.views.theme import Theme, load_themes

from .double import Double

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def themes() -> dict[str, Theme]:
    return load_themes([ROOT / "themes"])


@pytest.fixture
def make_app(themes: dict[str, Theme]) -> Callable[..., PpcdbgApp]:
    def make(source: Double | None = None, **options: object) -> PpcdbgApp:
        return PpcdbgApp(source or Double(), themes, "dark", **options)  # type: ignore[arg-type]

    return make
