"""Keeps the world on disk: a snapshot and, since then, every change as one appended line."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import structlog

from integrations.sandbox.notion.errors import Json
from integrations.sandbox.notion.loading import add_object, add_workspace
from integrations.sandbox.notion.oauth import clients
from integrations.sandbox.notion.rendering import dumped
from integrations.sandbox.notion.webhooks import subscriptions
from integrations.sandbox.notion.world import Kept, World

log = structlog.get_logger(__name__)
FOLD_AFTER_LINES = 2_000
KEPT: dict[str, Callable[[Json], Kept]] = {
    subscriptions.OBJECT: subscriptions.from_json,
    clients.OBJECT: clients.from_json,
}


class Journal:
    """One directory with `snapshot.ndjson` and `journal.ndjson`, lines of `{"w": workspace id, "o": object}`.

    A line is in the operating system's hands before the call that caused it is answered, so killing the
    process loses nothing; a line torn by the kill is dropped when replayed.
    """

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._snapshot = directory / "snapshot.ndjson"
        self._journal = directory / "journal.ndjson"
        self._lines = 0
        self._descriptor: int | None = None

    def replay(self, world: World) -> int:
        """Bring the world to where it was. Returns the number of objects read."""
        read = self._read(world, self._snapshot)
        self._lines = self._read(world, self._journal)
        return read + self._lines

    def open(self, world: World, *, fold: bool) -> None:
        """Begin to write; fold snapshot and journal together first when asked or when it has grown."""
        if fold or self._lines >= FOLD_AFTER_LINES or not self._snapshot.exists():
            self._fold(world)
        self._mend_torn_end()
        self._descriptor = os.open(self._journal, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def append(self, notes: list[tuple[str, Json]]) -> None:
        """Write changes in one call to the operating system."""
        if self._descriptor is None or not notes:
            return
        lines = b"".join(_line(workspace_id, obj) for workspace_id, obj in notes)
        written = 0
        while written < len(lines):
            written += os.write(self._descriptor, lines[written:])
        self._lines += len(notes)

    def close(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _fold(self, world: World) -> None:
        fresh = self._snapshot.with_suffix(".new")
        with fresh.open("wb") as out:
            for workspace_id, obj in world.everything():
                out.write(_line(workspace_id, obj))
            out.flush()
            os.fsync(out.fileno())
        # The old journal replayed over the new snapshot changes nothing: a kill between the two is harmless.
        fresh.replace(self._snapshot)
        self._journal.write_bytes(b"")
        self._lines = 0

    def _mend_torn_end(self) -> None:
        if not self._journal.exists():
            return
        with self._journal.open("rb+") as file:
            content = file.read()
            if content and not content.endswith(b"\n"):
                file.truncate(content.rfind(b"\n") + 1)

    def _read(self, world: World, path: Path) -> int:
        if not path.exists():
            return 0
        count = 0
        with path.open("rb") as lines:
            for line in lines:
                if not line.endswith(b"\n"):
                    log.warning("sandbox_journal.torn_line_dropped", file=path.name, bytes=len(line))
                    break
                entry = json.loads(line)
                _apply(world, entry["w"], entry["o"])
                count += 1
        return count


def _apply(world: World, workspace_id: str, obj: Json) -> None:
    if obj["object"] in KEPT:
        world.kept.setdefault(obj["object"], {}).pop(obj["id"], None)
        if not obj.get("is_gone"):
            world.keep(obj["object"], KEPT[obj["object"]](obj))
        return
    workspace = world.workspaces.get(workspace_id)
    if obj["object"] != "sandbox_workspace":
        if workspace is not None:
            add_object(workspace, obj)
        return
    if workspace is None:
        add_workspace(world, obj)
        return
    # A later line of a workspace replaces its connections and keeps its objects.
    renewed = add_workspace(world, obj)
    workspace.name, workspace.plan, workspace.blocks_given = renewed.name, renewed.plan, renewed.blocks_given
    workspace.connections = renewed.connections
    for connection in workspace.connections:
        connection.workspace = workspace
    world.workspaces[workspace_id] = workspace


def _line(workspace_id: str, obj: Json) -> bytes:
    return dumped({"w": workspace_id, "o": obj}) + b"\n"
