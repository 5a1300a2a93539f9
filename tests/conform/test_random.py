"""The model against the real KVM on guests drawn at random, many more than anyone would write by hand.

``oracle/host/ask`` of the shared folder runs each under the kernel; it needs QEMU and a cross compiler, which are no
part of this project.
"""

from __future__ import annotations

import os
import runpy
import shutil
import subprocess
from pathlib import Path

import pytest

from ppcdbg.conform.conform import conform
from ppcdbg.conform.oracle import open_oracle
from tests.conform.random_guests import Guest

SEED = int(os.environ.get("PPCDBG_RANDOM_SEED", "1000"))
GUESTS = int(os.environ.get("PPCDBG_RANDOM_GUESTS", "60"))
TOOLS = ("qemu-system-ppc", "powerpc-linux-gnu-gcc", "cpio", "xz")
SECONDS = 60
"""For the host to boot and one guest to end; one that hangs, which a guest of KVM can, says nothing and is counted."""


def ask(shared: Path, seed: int, backing: str, folder: Path) -> bool:
    """Put one guest to the real KVM and lay its trace out as an oracle; whether it came to an end."""
    source, raw = folder / f"s{seed}.S", folder / "raw"
    source.write_text(Guest(seed).text)
    include = shared / "oracle" / "guests"
    flags = [
        f"-I{include}",
        "-mregnames",
        "-Wa,-me500",
        "-nostdlib",
        "-static",
        "-Wl,-Ttext=0x10000,--build-id=none,-e,_start",
    ]
    subprocess.run(["powerpc-linux-gnu-gcc", *flags, "-o", folder / "g.elf", source], check=True)
    image = folder / "guests" / f"s{seed}.bin"
    subprocess.run(["powerpc-linux-gnu-objcopy", "-O", "binary", "-j", ".text", folder / "g.elf", image], check=True)
    told = {**os.environ, "RAW": str(raw), "CACHE": str(folder / "cache"), "TMO": str(SECONDS)}
    raw.unlink(missing_ok=True)
    done = subprocess.run(["bash", shared / "oracle" / "host" / "ask", image, backing], env=told, capture_output=True)
    if done.returncode or not raw.exists():
        return False
    norm = runpy.run_path(str(shared / "oracle" / "host" / "norm.py"))
    parts, text = norm["load"](str(raw)), raw.read_text(errors="replace")
    trace = folder / "traces" / f"s{seed}-{backing}.core"
    trace.write_text("\n".join(norm["norm"](parts, True)) + "\n")
    trace.with_suffix(".info").write_text(text[: text.index("@@@ TRACE")] + "@@@ END\n")
    return True


@pytest.mark.soak
@pytest.mark.parametrize("backing", ["anon", "huge", "devmem"])
def test_guests_at_random_agree(shared: Path, backing: str, tmp_path: Path) -> None:
    if missing := [tool for tool in TOOLS if shutil.which(tool) is None]:
        pytest.skip(f"the real KVM cannot be asked without {', '.join(missing)}")
    for name in ("guests", "traces", "cache"):
        (tmp_path / name).mkdir()
    seeds = range(SEED, SEED + GUESTS)
    ended = [seed for seed in seeds if ask(shared, seed, backing, tmp_path)]
    events = 0
    for seed in ended:
        found = conform(open_oracle(tmp_path, [f"s{seed}"], [backing]), f"s{seed}", backing)
        assert found.agrees, f"seed {seed}, {backing}: {found.alignment.difference} {found.findings}"
        events += len(found.trace.events)
    print(f"{len(ended)} guests of seeds {SEED} to {SEED + GUESTS - 1} agree on {events:,} events; {backing}")
    assert len(ended) >= GUESTS * 3 // 4, "most guests come to an end"
