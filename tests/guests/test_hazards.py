"""The guests that read their own instructions, and those that are hard on their host: images come from their source."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from tests.guests.expected import DEMO, IMAGE

Tool = Callable[[str], str]
HOSTILE = ["execute-only", "failing", "machine-check"]


def test_the_images_in_the_package_are_what_the_source_gives(tool: Tool, tmp_path: Path) -> None:
    tool("powerpc-linux-gnu-gcc")
    for folder in (DEMO, DEMO.parent / "hazards"):
        shutil.copytree(folder, tmp_path / "elsewhere" / folder.name)
    subprocess.run([str(tmp_path / "elsewhere" / "hazards" / "build"), str(tmp_path)], check=True, timeout=60)
    built = sorted(tmp_path.glob("hazard-*.elf"))
    assert len(built) == 4
    for image in built:
        assert image.read_bytes() == IMAGE.with_name(image.name).read_bytes(), "run tests/guests/hazards/build"


def test_the_images_of_the_hostile_guests_are_what_the_source_gives(tool: Tool, tmp_path: Path) -> None:
    tool("powerpc-linux-gnu-gcc")
    for folder in (DEMO, DEMO.parent / "hostile"):
        shutil.copytree(folder, tmp_path / "elsewhere" / folder.name)
    subprocess.run([str(tmp_path / "elsewhere" / "hostile" / "build"), str(tmp_path)], check=True, timeout=60)
    built = sorted(tmp_path.glob("*.elf"))
    assert [image.stem for image in built] == HOSTILE
    for image in built:
        assert image.read_bytes() == IMAGE.with_name(image.name).read_bytes(), "run tests/guests/hostile/build"
