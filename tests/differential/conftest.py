"""Options and fixtures of the differential tests.

    --differential-insns N      instructions to compare in the random tests (or PPCDBG_DIFFERENTIAL_INSNS)
    --differential-seed TEXT    another seed (or PPCDBG_DIFFERENTIAL_SEED); it is part of each sequence's name
    --differential-only NAME    one sequence by its name, as a failure prints it
    --differential-case LINE    one case, as a failure prints it

The options are known when the command line names this folder: ``pytest tests/differential --differential-insns N``.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.differential import qemu
from tests.differential.compare import Comparison
from tests.differential.ours import ENGINES, OurPeer
from tests.differential.peers import Peer

DEFAULT_INSNS = 24_000
CORES = ("e500mc", "e500v2")


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("differential")
    group.addoption("--differential-insns", type=int, help="random instructions to compare")
    group.addoption("--differential-seed", help="seed of the random sequences")
    group.addoption("--differential-only", help="run the one sequence of this name")
    group.addoption("--differential-case", help="run the one case of this line")


@pytest.fixture(scope="session")
def option(request: pytest.FixtureRequest) -> Callable[[str, str], str]:
    """``option(name, default)``: command line, then environment, then the default."""

    def find(name: str, default: str) -> str:
        given = request.config.getoption(f"--differential-{name}", default=None)
        return str(given) if given is not None else os.environ.get(f"PPCDBG_DIFFERENTIAL_{name.upper()}", default)

    return find


@pytest.fixture(params=sorted(ENGINES), scope="session")
def engine_name(request: pytest.FixtureRequest) -> str:
    """Each of our engines in turn."""
    return str(request.param)


@pytest.fixture(params=CORES, scope="session")
def core_name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def qemu_peer(core_name: str, tmp_path: Path, tool: Callable[[str], str]) -> Iterator[Peer]:
    tool(qemu.PROGRAM)
    peer = qemu.QemuPeer(core_name, tmp_path)
    yield peer
    peer.close()


@pytest.fixture
def comparison(core_name: str, engine_name: str, qemu_peer: Peer) -> Comparison:
    """One of our engines beside QEMU, the little world made on both."""
    made = Comparison(core_name, OurPeer(core_name, engine_name), qemu_peer)
    made.set_up()
    return made
