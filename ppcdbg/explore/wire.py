"""A search's work as bytes, for processes of this host and of others: JSON, and before it a session file with the
machine, its images and its input, so that nothing need lie where the other process runs.

    head      8 bytes, big-endian: the length of the session file
    session   what :mod:`ppcdbg.session` makes of the machine
    JSON      the rest
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import asdict, fields
from hashlib import sha256
from pathlib import Path
from typing import Any

from ppcdbg.explore.conditions import Bounds, Verdict
from ppcdbg.explore.outcome import End, Fate, Outcome
from ppcdbg.explore.schedule import Event
from ppcdbg.explore.search import Failure, UnitResult
from ppcdbg.explore.sites import Boundary, Site
from ppcdbg.explore.sources import source
from ppcdbg.explore.strategies import Plan, Unit
from ppcdbg.explore.task import Change, Task
from ppcdbg.machine.input import InputKind
from ppcdbg.session.machines import session_machine, write_machine
from ppcdbg.session.store import Store
from ppcdbg.session.systems import open_system

_HEAD = 8


# --- a task ---------------------------------------------------------------------------------------
def task_bytes(task: Task, folder: Path) -> bytes:
    """``folder`` is for a file that is read again at once."""
    machine = task.machine
    session = folder / "machine.ppcdbg"
    store = Store.new(session)
    try:
        write_machine(store, machine)
        store.add_input(open_system(machine).input.pending(), 0)
    finally:
        store.close()
    held = session.read_bytes()
    changes = [[c.kind.value, c.target, c.value, b64encode(c.data).decode(), c.name] for c in task.changes]
    rest = {"engine": machine.engine, "start": task.start, "plan": asdict(task.plan), "bounds": asdict(task.bounds),
            "own": task.own, "changes": changes}  # fmt: skip
    return len(held).to_bytes(_HEAD, "big") + held + _text(rest)


def task_of(data: bytes, folder: Path) -> Task:
    """``folder`` holds the machine's session file for as long as the task is worked on."""
    length = int.from_bytes(data[:_HEAD], "big")
    held, rest = data[_HEAD : _HEAD + length], json.loads(data[_HEAD + length :])
    session = folder / f"{sha256(data).hexdigest()[:16]}.ppcdbg"
    session.write_bytes(held)
    plan = rest["plan"]
    return Task(
        session_machine(session, {"engine": rest["engine"]}), rest["start"],
        Plan(tuple(plan["sources"]), plan["span"], plan["samples"], plan["seed"]), Bounds(**rest["bounds"]),
        tuple(rest["own"]),
        tuple(Change(InputKind(k), t, v, b64decode(d), n) for k, t, v, d, n in rest["changes"]),
    )  # fmt: skip


# --- a piece of it, and what was found ------------------------------------------------------------
def piece_bytes(units: Sequence[Unit], sites: Sequence[Site]) -> bytes:
    """Some units, and the sites that they are of; ``sites`` are all."""
    wanted = sorted({unit.site for unit in units})
    return _text({"units": [[u.site, u.sources] for u in units], "sites": [[n, asdict(sites[n])] for n in wanted]})


def piece_of(data: bytes) -> tuple[list[Unit], dict[int, Site]]:
    """The units, and their sites by number."""
    held = json.loads(data)
    return [Unit(n, tuple(s)) for n, s in held["units"]], {n: Site(**site) for n, site in held["sites"]}


def results_bytes(results: Sequence[UnitResult]) -> bytes:
    """What the units of a piece found."""
    boundaries = {r.unit.site: [_row(b) for b in r.boundaries] for r in results}
    return _text({"boundaries": list(boundaries.items()), "units": [_result(r) for r in results]})


def results_of(data: bytes, hv: bool) -> list[UnitResult]:
    """``hv``: the flavour of KVM, which says which sources there are."""
    held = json.loads(data)
    boundaries = {n: tuple(Boundary(*row) for row in rows) for n, rows in held["boundaries"]}
    return [_result_of(r, boundaries, hv) for r in held["units"]]


def _result(r: UnitResult) -> dict[str, Any]:
    return {
        "unit": [r.unit.site, r.unit.sources], "spoiled": r.spoiled,
        "counts": [r.tried, r.undecided, r.followed, r.joined],
        "verdicts": [[position, name, _row(verdict)] for position, name, verdict in r.verdicts],
        "failures": [[f.line, _row(f.verdict), _outcome(f.outcome)] for f in r.failures],
    }  # fmt: skip


def _result_of(held: dict[str, Any], boundaries: dict[int, tuple[Boundary, ...]], hv: bool) -> UnitResult:
    site, sources = held["unit"]
    failures = [Failure(line, Verdict(*v), _outcome_of(outcome, hv)) for line, v, outcome in held["failures"]]
    tried, undecided, followed, joined = held["counts"]
    return UnitResult(
        Unit(site, tuple(sources)), boundaries[site], tuple(held["spoiled"]), tried, undecided, followed, joined,
        tuple((position, name, Verdict(*verdict)) for position, name, verdict in held["verdicts"]), tuple(failures),
    )  # fmt: skip


def _outcome(o: Outcome) -> list[Any]:
    events = [[event.source.name, event.position] for event in o.schedule]
    return [events, [_row(f) for f in o.fates], o.end.value, o.position, o.detail, o.spoiled, o.stale]


def _outcome_of(held: list[Any], hv: bool) -> Outcome:
    events, fates, end, position, detail, spoiled, stale = held
    schedule = tuple(Event(source(name, hv), at) for name, at in events)
    names = [field.name for field in fields(Fate)]
    known = tuple(Fate(**{**dict(zip(names, fate)), "changed": tuple(fate[-1])}) for fate in fates)
    return Outcome(schedule, known, End(end), position, detail, tuple(spoiled), stale)


def _row(value: Boundary | Verdict | Fate) -> list[Any]:
    return [getattr(value, field.name) for field in fields(value)]


def _text(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
