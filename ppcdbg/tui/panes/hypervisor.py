"""The hypervisor's own work: the world switch stepped by hand, its registers and whose they are, the nested exit."""

from __future__ import annotations

from ppcdbg.debugger.host import log_table, side_tables
from ppcdbg.debugger.model import timing_table, vcpu_of
from ppcdbg.debugger.world_switch import SwitchFound
from ppcdbg.explore.switch_report import windows
from ppcdbg.tui.panes.drawing import Drawing
from ppcdbg.tui.panes.notice import notice
from ppcdbg.tui.scene import Filled, Follow, Need
from ppcdbg.views import nested, world_switch
from ppcdbg.views.spans import Line, fit, line
from ppcdbg.views.statistics import table_rows

SWITCH_VIEWS = ("steps", "events")
OWNERS_VIEWS = ("all", "changed")
HOST_VIEWS = ("log", "exit", "timing")
NESTED_VIEWS = ("wrong", "fields")
SWITCH_MOVES = (
    ("step", "world-switch step"), ("next", "world-switch next"), ("continue", "world-switch until guest_end"),
    ("back-step", "world-switch back"), ("back", "world-switch start"),
)  # fmt: skip
"""What the keys that let the guest run do in these panes: the switch is a machine of its own."""
SWITCH_KEYS = (
    ("step", "one instruction of the switch"), ("next", "to the next group of instructions"),
    ("continue", "until the guest is back from its exit"), ("back-step", "one instruction back"),
    ("back", "to its beginning"), ("edit", "let an event come before the next instruction"),
)  # fmt: skip
NO_LINES = "The host's kernel has printed nothing. A guest that it cannot emulate, or a machine check, makes it."
NO_TABLE = "No search yet. :world-switch table linux tries each event before each instruction of the switch."
NO_EXIT = "No nested exit was audited yet. :nested FILE audits one; :nested-example shows one with a mistake."


def host(drawing: Drawing, need: Need) -> Filled:
    """The log of the host's kernel; what the host has and does at the exit; or how long exits took."""
    debugger, record = drawing.debugger, drawing.record
    vcpu = vcpu_of(debugger.system)
    if vcpu is None:
        return notice("Host", "The bare machine has no host beneath it.", need)
    if need.view == "log":
        log = log_table(debugger)
        rows = tuple(table_rows(log, need.width)) if log.rows else ()
        note = line((f"{len(log.rows)} lines", "failed" if log.rows else "dim"))
        return Filled(rows, "Host", note, total=len(rows)) if rows else notice("Host", NO_LINES, need)
    if need.view == "timing":
        rows = tuple(table_rows(timing_table(vcpu), need.width))
        return Filled(rows, "Host", line("exit timing"), total=len(rows))
    if record is None:
        return notice("Host", "No exit yet.", need)
    has, does = side_tables(debugger, record.number)
    rows = (*table_rows(has, need.width), (), *table_rows(does, need.width))
    return Filled(rows, "Host", line((record.name, "exit")), total=len(rows))


def steps(drawing: Drawing, need: Need) -> Filled:
    """The instructions of the switch, with the place where its machine stands; Enter goes on to a step. Or what the
    last search found."""
    switch = drawing.debugger.world_switch
    if need.view == "events":
        return _events(switch.found(), need)
    at = switch.last
    places = world_switch.walk(switch.steps(), at, need.width)
    rows = tuple(row for row, _ in places)
    follow = tuple(Follow("command", name=f"world-switch until {name}") if name else None for _, name in places)
    cursor = next((i for i, row in enumerate(rows) if row[0].text == "▶"), None)
    note = world_switch.standing(at)
    return Filled(rows, "World switch", note, total=len(rows), follow=follow, cursor=cursor, ahead=need.height // 3)


def _events(found: SwitchFound | None, need: Need) -> Filled:
    if found is None:
        return notice("World switch", NO_TABLE, need)
    rows: list[Line] = []
    follow: list[Follow | None] = []
    if found.reports:
        rows += [*world_switch.table(found.reports, need.width), *world_switch.legend(need.width)]
    for one in found.reports:
        told = world_switch.report(one, need.width, len(found.reports) < 3)
        lines = [w.line for w in windows(one)]
        follow += [None] * (len(rows) + 1 - len(follow))
        rows += [(), *told]
        follow += [_replayed(row, lines) for row in told]
    note = f"{len(found.reports)} of {found.wanted}; Esc stops it" if found.searching else f"{len(rows)} rows"
    follow += [None] * (len(rows) - len(follow))
    return Filled(tuple(rows), "World switch", line((note, "dim")), total=len(rows), follow=tuple(follow))


def _replayed(row: Line, lines: list[str]) -> Follow | None:
    said = "".join(span.text for span in row).strip().removeprefix("--replay ")
    return Follow("command", name=f"world-switch replay {said}") if said in lines else None


def owners(drawing: Drawing, need: Need) -> Filled:
    """Each register of the switch: what it holds, what it is for guest and host, whose it is; or those that changed."""
    found = drawing.debugger.world_switch.registers()
    every = world_switch.owners(found, need.width)
    chosen = [i for i, r in enumerate(found.rows) if need.view == "all" or r.value != r.before]
    rows = tuple(every[i] for i in chosen) or (fit(line(("the last step changed none", "dim")), need.width),)
    note = line(("guest state" if found.guest else "host", "guest" if found.guest else "shadow"))
    head = fit(world_switch.OWNERS_HEAD, need.width)
    return Filled(rows, "Whose registers", note, total=len(rows), head=head)


def audited(drawing: Drawing, need: Need) -> Filled:
    """The last audit of an exit from L2 to L1: what is wrong and why, or every field with its rule."""
    found = drawing.debugger.nested.last
    if found is None:
        return notice("Nested exit", NO_EXIT, need)
    note = line((nested.counted(found), "failed" if found.wrong else "ok"))
    if need.view == "fields":
        rows = tuple(nested.table(found, need.width))
        return Filled(rows, "Nested exit", note, total=len(rows), head=fit(nested.TABLE_HEAD, need.width))
    rows = tuple(fit(row, need.width) for row in nested.lines(found, need.width))
    return Filled(rows, "Nested exit", note, total=len(rows))
