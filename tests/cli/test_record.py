"""``ppcdbg record``: a session file or none."""

from __future__ import annotations

from pathlib import Path

from tests.cli.conftest import Cli


def test_a_guest_that_cannot_be_loaded_leaves_no_file(cli: Cli, tmp_path: Path) -> None:
    """The file is begun while the machine is made, and taken back where there is none."""
    image, file = tmp_path / "text", tmp_path / "a.ppcdbg"
    image.write_text("hello\n")
    assert cli("record", image, "-o", file).status == 3
    assert not file.exists()
    assert cli("record", "demo", "-o", file).status == 0
    assert cli("session", "verify", file).status == 0
    assert cli("record", "demo", "-o", file).status == 3
    assert file.exists()
