"""The machine of a session: its description, written down when recording begins, read again.

A description names files; a session holds the files themselves, or their hashes. The machine that is made again is the
recorded one or none: an image, a core or a size that differs is refused in one sentence, and nothing is guessed.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from ppcdbg.errors import InputError
from ppcdbg.machine.description import MachineDescription, describe
from ppcdbg.paths import user_cache
from ppcdbg.session.format import damaged
from ppcdbg.session.snapshots import SNAPSHOT_FORMAT
from ppcdbg.session.store import IMPORTED, SCHEDULE, Store

if TYPE_CHECKING:
    from ppcdbg.scratch import Scratch

ROLES = ("kernel", "initrd", "dtb")
"""The fields of a description that name a file which makes the machine."""
FREE = ("engine", "max_insns", "symbols", "session", "input")
"""What a replay may choose, or what stands elsewhere in the file."""


def write_machine(store: Store, machine: MachineDescription, *, images: bool = True) -> None:
    """Put a machine and its images into a new session."""
    kept = {f.name: getattr(machine, f.name) for f in fields(machine) if f.name not in (*ROLES, *FREE)}
    kept["quirks"], kept["memory"] = dict(machine.quirks), f"{machine.memory}b"
    store.set("machine", kept)
    store.set("state format", SNAPSHOT_FORMAT)
    for role in ROLES:
        path = getattr(machine, role)
        if path is not None:
            cache = user_cache(os.environ) / "images"
            store.add_image(role, path.name, _read(path, role), keep=images, cache=cache)


def read_machine(
    store: Store, given: Mapping[str, Path | None] | None = None, *, scheduled: bool = False
) -> MachineDescription:  # fmt: skip
    """The machine of a session; its images lie in files that go when the process ends.

    ``given``: files of the user's by role, for one that holds hashes alone. ``scheduled``: it may be a schedule and no
    recording. Raises InputError."""
    from hashlib import sha256

    if not scheduled and store.get(SCHEDULE) is not None:
        raise InputError(f"session {store.path} holds a schedule and no recording; ppcdbg race {store.path} replays it")

    if store.get(IMPORTED) is not None:
        from ppcdbg.session.viewing import viewer  # a recording is made and replayed without

        return viewer(store, _folder(os.getpid()).path)
    kept = store.get("machine")
    if not isinstance(kept, dict):
        raise damaged(store.path, "it does not say what machine it was made on")
    if store.get("state format") != SNAPSHOT_FORMAT:
        raise InputError(
            f"session {store.path} has states of format {store.get('state format')}, this ppcdbg makes "
            f"{SNAPSHOT_FORMAT}; replay it with the version that recorded it"
        )
    paths: dict[str, Path] = {}
    folder = _folder(os.getpid()).path
    for number, image in enumerate(store.images()):
        if image.role not in ROLES:
            raise damaged(store.path, f"it holds an image for {image.role!r}, which no machine has")
        own = (given or {}).get(image.role)
        data = image.data
        if own is not None:
            data = _read(own, image.role)
        if data is None:
            raise InputError(
                f"session {store.path} holds no {image.role} {image.name}; name the file by --{image.role}"
            )
        if sha256(data).hexdigest() != image.sha256:
            raise InputError(f"{own} is not the {image.role} that session {store.path} was made with")
        name = Path(image.name).name or image.role
        place = folder / f"{sha256(str(store.path).encode()).hexdigest()[:8]}-{number}"
        paths[image.role] = own or place / name  # under its own name, which a session made of this one has too
        if own is None:
            try:
                place.mkdir(exist_ok=True)
                paths[image.role].write_bytes(data)
            except (OSError, ValueError) as error:  # the second: there is a zero in it
                why = error.strerror if isinstance(error, OSError) else error
                raise InputError(
                    f"the {image.role} of session {store.path} cannot be put at {place}, by its name "
                    f"{image.name[:40]!r}: {why}"
                ) from None
    if "kernel" not in paths:
        raise damaged(store.path, "it names no kernel image")
    try:
        return describe(store.path, kept, MachineDescription(**paths, session=store.path))  # type: ignore[arg-type]
    except InputError:
        raise
    except Exception as error:
        raise damaged(store.path, f"its machine cannot be made: {error}") from None


def session_machine(path: Path, options: Mapping[str, object]) -> MachineDescription:
    """The machine of a session file under a command line's options, most of which must agree with it."""
    store = Store.open(path)
    try:
        given = {role: Path(str(options[role])) for role in ROLES if options.get(role) is not None}
        recorded = read_machine(store, given)
    finally:
        store.close()
    wanted = {name: value for name, value in options.items() if name not in ROLES}
    asked = describe(path, wanted, recorded)
    for field in fields(asked):
        was, now = getattr(recorded, field.name), getattr(asked, field.name)
        if field.name not in FREE and was != now:
            made, wants = _setting(field.name, was), _setting(field.name, now)
            raise InputError(f"session {path} was made with {made}; it cannot be replayed with {wants}")
    if asked.input is not None:
        raise InputError(f"session {path} has its own input; --input cannot be given with it")
    return asked


def _setting(name: str, value: object) -> str:
    """A field of a description as a user gives it."""
    if name == "memory" and isinstance(value, int):
        return f"memory {value >> 20}M" if value % (1 << 20) == 0 else f"memory {value}b"
    name = name.replace("_", "-")
    return f"no {name}" if value in (None, "", ()) else f"{name} {value}"


def _read(path: Path, role: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot read {role} {path}: {error.strerror or error}") from None


@cache
def _folder(process: int) -> Scratch:
    """Where a process keeps the images of the sessions that it opened; symbols are read from there later."""
    from ppcdbg.scratch import Scratch

    return Scratch("session")
