"""``ppcdbg race``: what is printed, statuses, lines that replay, and the same bytes from any number of processes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Cli


def test_the_report_names_the_window_and_lines_that_replay(cli: Cli) -> None:
    done = cli("race", "window")
    assert done.status == 1
    assert "3 sites, 63 boundaries x 2 sources: 126 of 126 decided (exhaustive)" in done.out
    assert "mtmsr                        external     ----------------LLLLLLL.." in done.out
    lost = [line.split("  ")[0] for line in done.out.splitlines() if line.startswith("external@")]
    assert lost == ["external@51 to external@57", "external@94 to external@100"]
    assert "14 LOST" in done.out.splitlines()[2] or "28 LOST" in done.out.splitlines()[2]
    again = cli("race", "window", "--replay", lost[-1].split()[-1])
    assert again.status == 1
    assert "external@100 comes at 0x00100414 <block_mtmsr+0x78>, in a critical section, before stw r2" in again.out
    assert "never-lost: lost: no exit will ever come" in again.out


def test_a_schedule_by_address(cli: Cli) -> None:
    done = cli("race", "window", "--replay", "external@0x1003f4#1")
    assert done.status == 1 and "external@94 comes at 0x001003f4" in done.out


def test_a_remedy_passes(cli: Cli) -> None:
    done = cli("race", "window", "--deferral", "single-step", "--sources", "external,level,decrementer,watchdog")
    assert done.status == 0 and "LOST" not in done.out


def test_the_same_bytes_from_two_processes(cli: Cli, tmp_path: Path) -> None:
    files = [tmp_path / "one.json", tmp_path / "two.json"]
    for jobs, file in enumerate(files, 1):
        done = cli("race", "window", "--pairs", "2", "--jobs", str(jobs), "--json", file, "-q")
        assert done.status == 1
    assert files[0].read_bytes() == files[1].read_bytes()
    report = json.loads(files[0].read_text(encoding="utf-8"))
    assert report["schema"] == "ppcdbg-race" and report["covered"] == report["possible"] == 126


@pytest.mark.parametrize("jobs", [1, 2])
def test_an_interrupted_search_reports_what_it_explored(
    jobs: int, cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "part.json"
    monkeypatch.setenv("PRESSED", str(tmp_path / "pressed"))
    own = "tests.explore.own:InterruptsTheSearch"
    done = cli("race", "window", "--pairs", "40", "--condition", own, "--jobs", str(jobs), "--json", file)
    assert done.status == 130 and "of the 3 sites that were found are explored" in done.err
    part = json.loads(file.read_text(encoding="utf-8"))
    assert not part["complete"] and part["tried"] < 4_000
    assert "interrupted" in done.out.splitlines()[0]


def test_stretches_by_name_and_by_position(cli: Cli) -> None:
    named = cli("race", "window", "--range", "block_wrteei_1..wrteei_0", "--sources", "external")
    assert named.status == 1 and "external     ------------LLLLLLL...." in named.out
    placed = cli("race", "window", "--positions", "58..60", "--sources", "external")
    assert placed.status == 0 and "external     ..." in placed.out


def test_what_cannot_be_is_one_line(cli: Cli) -> None:
    for arguments, status, sentence in (
        (("window", "--sources", "thunder"), 2, "there is no source of interrupts 'thunder' here"),
        (("window", "--replay", "external"), 2, "'external' is no event of a schedule"),
        (("window", "--replay", "external@0x4"), 2, "the guest is not at 0x00000004"),
        (("window", "--hv", "none"), 2, "races are between a guest and KVM"),
        (("window", "--condition", "no.such:Thing"), 2, "there is no condition 'no.such:Thing'"),
        (("window", "--until", "30"), 3, "the guest enters no critical section"),
        (("demo", "--cpu", "e500mc"), 2, "a guest in HV mode has no paravirtual critical sections"),
        (("window", "--jobs", "0"), 2, "option --jobs is 0"),
    ):
        done = cli("race", *arguments)
        assert done.status == status and sentence in done.err and done.err.count("\n") == 1, done


def test_a_condition_of_ones_own(cli: Cli) -> None:
    done = cli("race", "window", "--positions", "58..59", "--condition", "tests.explore.own:NeverAtAll")
    assert done.status == 1 and "never-at-all: external came" in done.out


def test_a_failure_as_a_session_file(cli: Cli, tmp_path: Path) -> None:
    """It holds the interrupt in its input, and replays and verifies like any recording."""
    file = tmp_path / "lost.ppcdbg"
    assert cli("race", "window", "--replay", "external@96", "--record", file).status == 1
    assert cli("session", "verify", file).status == 0
    rows = cli("session", "sql", file, "SELECT count(*) FROM input")
    assert rows.out.split()[-1] == "1"
    assert cli("race", "window", "--record", tmp_path / "none").status == 2


def test_the_remedies_in_one_table(cli: Cli, tmp_path: Path) -> None:
    """Each at the same sites: what it loses, what the deferrals cost, and on which guest. A critical interrupt (the
    watchdog's) is lost in the section of wrteei 0, which neither looks at int_pending nor leaves by itself."""
    file = tmp_path / "remedies.json"
    done = cli("race", "window", "--remedies", "--sources", "external,watchdog", "--json", file)
    rows = {line.split()[0]: line.split()[1:] for line in done.out.splitlines()[2:9]}
    assert done.status == 1
    assert {name: (int(lost), int(other)) for name, (lost, other, *_) in rows.items()} == {
        "stock": (40, 0), "nop-exit": (12, 0), "single-step": (0, 0), "read-only": (0, 0), "ordered": (7, 0),
        "notify": (0, 0), "notify-unmapped": (0, 0),
    }  # fmt: skip
    steps, changes = int(rows["single-step"][5]), int(rows["read-only"][6])
    assert steps > 300 and changes > 100 and rows["stock"][4:8] == ["0"] * 4
    assert "the guest must execute tlbsync" in done.out
    assert "the guest with tlbsync after 2 sections; an interrupt may wait 2 instructions for it" in done.out
    assert "the guest with a store to the notification page after 3 sections" in done.out
    kept = json.loads(file.read_text(encoding="utf-8"))["remedies"]
    assert [r["deferral"] for r in kept] == [*rows] and kept[2]["counts"]["steps"] == steps


def test_a_guest_that_cooperates(cli: Cli, tmp_path: Path) -> None:
    """Searched by itself, a schedule of it replayed and recorded, with what was changed in the recording's input."""
    loses = ("race", "window", "--deferral", "nop-exit", "--sources", "watchdog", "--cooperate")
    done = cli(*loses)
    (line,) = [line for line in done.out.splitlines() if line.startswith("watchdog@")]
    first, last = (int(word.partition("@")[2]) for word in line.split("  ")[0].split(" to "))
    assert done.status == 1 and last - first == 11
    file = tmp_path / "lost.ppcdbg"
    again = cli(*loses, "--replay", f"watchdog@{first + 3}", "--record", file)
    assert again.status == 1 and "never-lost" in again.out
    assert cli("session", "verify", file).status == 0
    assert int(cli("session", "sql", file, "SELECT count(*) FROM input").out.split()[-1]) == 5
    assert cli("race", "window", "--deferral", "notify", "--cooperate").status == 0
    for arguments, sentence in (
        (("--deferral", "notify", "--cooperate", "--room", "0x40000000"), "its code has no room at"),
        (("--deferral", "ordered", "--cooperate"), "--deferral ordered asks nothing of a guest"),
    ):
        refused = cli("race", "window", *arguments)
        assert refused.status == 2 and sentence in refused.err


def test_the_report_as_one_file(cli: Cli, tmp_path: Path) -> None:
    """Map, windows, lines and remedies; nothing in it is fetched, and its command replays a failure."""
    file = tmp_path / "race.html"
    assert cli("race", "window", "--sources", "external", "--remedies", "--html", file).status == 1
    page = file.read_text(encoding="utf-8")
    assert page.endswith("</body></html>\n") and "http" not in page.replace("http-equiv", "").split("<body>")[1]
    for words in (
        "<td>notify-unmapped</td>",
        "external@100",
        "<td>sites</td><td>3</td>",
        'title="94 0x001003f4: LOST"',
    ):
        assert words in page.replace(' class="m"', "").replace(' class="n"', ""), words
    assert page.count('<b class="failed"') == 14 and page.count('<h2 id="s') == 2
    command = page.split("a line is replayed by: ppcdbg ")[1].split("</p>")[0]
    assert cli(*command.replace("LINE", "external@100").split()).status == 1
    assert cli("race", "window", "--html", tmp_path / "no" / "where").status == 3


def test_a_recording_is_a_guest_and_says_where_to_begin(cli: Cli, tmp_path: Path) -> None:
    """Its input is part of what is searched: the interrupt that it holds is delivered on the way, by the first look
    behind it. A search may begin at a bookmark of it."""
    file = tmp_path / "run.ppcdbg"
    commands = ("inject external@30", "advance *0x1002e0", "bookmark second", "seek 400", f"save-session {file}")
    assert cli("repl", "window", "-n", *(word for c in commands for word in ("-c", c))).status == 0
    done = cli("race", file, "--sources", "external")
    assert done.status == 1 and "external@108 to external@114" in done.out  # 14 instructions of its handler
    later = cli("race", file, "--sources", "external", "--from", "second")
    assert later.status == 1 and "1 site, 25 boundaries" in later.out and "external@108 to" in later.out
    assert cli("race", file, "--from", "third").status == 2
