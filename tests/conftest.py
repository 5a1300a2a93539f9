"""Fixtures that several rooms of tests share, and where the material outside the repository is.

``PPCDBG_SHARED`` names the folder with real Linux guests and traces of the real KVM; by default it is ``shared``
beside the checkout. A test that needs it is skipped where it is absent, and fails there when ``CI`` is set.
``PPCDBG_ENGINE`` makes every test that does not ask for an engine run on that one.
"""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from ppcdbg.engine import choose

ROOT = Path(__file__).resolve().parent.parent


def _absent(reason: str) -> None:
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session", autouse=True)
def engine_of_all() -> None:
    """``PPCDBG_ENGINE`` is a setting of the command line; here it is what ``auto`` means in this process too."""
    name = os.environ.get("PPCDBG_ENGINE")
    if name:
        choose.PREFERENCE = (name,)


@pytest.fixture(scope="session", autouse=True)
def interruptible() -> None:
    """A run of the tests in the background of a shell may have SIGINT ignored, and processes that are started inherit
    that: those that tests interrupt would never end."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


FIGURES = pytest.StashKey[list[str]]()


@pytest.fixture(scope="session")
def figure(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """``figure(what, text)``: a line among the figures at the end of the run, such as what a soak has tried."""
    lines = request.config.stash.setdefault(FIGURES, [])
    return lambda what, text: lines.append(f"{what:<14} {text}")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    lines = config.stash.get(FIGURES, [])
    if lines:
        terminalreporter.section("figures")
        for line in lines:
            terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def root() -> Path:
    """The root of the checkout."""
    return ROOT


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder with real guests (``guests/``) and traces of the real KVM (``oracle/``)."""
    path = Path(os.environ.get("PPCDBG_SHARED") or ROOT.parent / "shared")
    if not (path / "guests").is_dir():
        _absent(f"no real guests at {path}: set PPCDBG_SHARED to the folder that holds guests/ and oracle/")
    return path


@pytest.fixture(scope="session")
def tool() -> Callable[[str], str]:
    """``tool(name)``: the path of a program of the distribution; absent ones skip the test, or fail it under CI."""

    def find(name: str) -> str:
        found = shutil.which(name)
        if found is None:
            _absent(f"{name} is not installed; `make test` installs it")
        return str(found)

    return find
