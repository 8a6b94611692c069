"""Notices every change of the world while somebody listens, and gathers changes of one object in windows."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from integrations.sandbox.notion.clock import Clock
from integrations.sandbox.notion.errors import Json
from integrations.sandbox.notion.items import Kind
from integrations.sandbox.notion.webhooks.windows import Event, Window, parent_of
from integrations.sandbox.notion.world import Workspace

Key = tuple[str, str, str]


class Watcher:
    """`changing` is called before an object is put. The caller holds the sandbox's lock."""

    def __init__(self, clock: Clock, emit: Callable[[Event], None]) -> None:
        self._clock = clock
        self._emit = emit
        self._windows: dict[Key, Window] = {}
        self._next_close = float("inf")
        self.is_listening = False
        self.seconds = 10.0

    def changing(self, workspace: Workspace, kind: Kind, before: Json | None, after: Json) -> None:
        """Note a change that is about to be made by `workspace.world.actor`."""
        if not self.is_listening:
            return
        self.close()
        if kind == "block":
            self._inside_page(workspace, after["parent"], "block", after["id"], before)
            return
        window = self._window(workspace, kind, after["id"], before)
        self._lock_changed(window, before, after)
        if kind == "data_source":
            return
        if before is None or _stands(before) != _stands(after):
            for obj in (before, after):
                if obj is not None:
                    self._in_holder(workspace, obj["parent"], kind, after["id"], before)

    def say(
        self,
        workspace: Workspace,
        event_type: str,
        entity: tuple[str, str],
        data: Json | None,
        seen_through: tuple[str, ...],
    ) -> None:
        """Tell at once of something that is never gathered: comments, file uploads, locks."""
        if self.is_listening:
            now = self._clock.now()
            authors = (_author(workspace),)
            self._emit(Event(event_type, workspace, entity, data, authors, now, seen_through))

    def close(self, *, everything: bool = False) -> None:
        """End the windows whose time is over; `everything`: all of them."""
        now = self._clock.now().timestamp()
        if now < self._next_close and not everything:
            return
        ended = [key for key, one in self._windows.items() if everything or one.closes_at <= now]
        made_together = {
            window.object_id
            for key in ended
            if (window := self._windows[key]).kind == "database" and window.before is None
        }
        gone = [self._windows.pop(key) for key in ended]
        self._next_close = min((one.closes_at for one in self._windows.values()), default=float("inf"))
        for window in gone:
            for event in window.events():
                # A database is made with its first data source; Notion tells of the database alone.
                is_first = event.type == "data_source.created" and _parent_id(event) in made_together
                if not is_first:
                    self._emit(event)

    @property
    def open_windows(self) -> int:
        return len(self._windows)

    def _window(self, workspace: Workspace, kind: Kind, object_id: str, before: Json | None) -> Window:
        now = self._clock.now()
        key = (workspace.id, kind, object_id)
        window = self._windows.get(key)
        if window is None:
            closes_at = now.timestamp() + self.seconds
            self._next_close = min(self._next_close, closes_at)
            window = self._windows[key] = Window(workspace, kind, object_id, before, closes_at, now)
        window.last_at = now
        author_id, author_type = _author(workspace)
        window.authors[author_id] = author_type
        return window

    def _in_holder(
        self, workspace: Workspace, parent: Json, kind: Kind, object_id: str, before: Json | None
    ) -> None:
        source_id = parent.get("data_source_id")
        if source_id is None:
            self._inside_page(workspace, parent, kind, object_id, before)
            return
        source = workspace.item("data_source", source_id)
        if source is not None:
            self._window(workspace, "data_source", source.id, source.obj).below.setdefault(
                object_id, (kind, before)
            )

    def _inside_page(
        self, workspace: Workspace, parent: Json, kind: Kind, object_id: str, before: Json | None
    ) -> None:
        current: str | None = parent.get("page_id") or parent.get("block_id")
        for _ in range(64):  # a loaded loop of parents must not hang the server
            if current is None:
                return
            page = workspace.item("page", current)
            if page is not None:
                window = self._window(workspace, "page", page.id, page.obj)
                window.below.setdefault(object_id, (kind, before))
                return
            current = workspace.parent_of(current)

    def _lock_changed(self, window: Window, before: Json | None, after: Json) -> None:
        if window.kind != "page" or before is None:
            return
        if bool(before.get("is_locked")) != bool(after.get("is_locked")):
            action = "locked" if after.get("is_locked") else "unlocked"
            data = {"parent": parent_of(window.workspace, after.get("parent"))}
            self.say(window.workspace, f"page.{action}", ("page", after["id"]), data, (after["id"],))


def _parent_id(event: Event) -> str:
    return str((event.data or {}).get("parent", {}).get("id"))


def _stands(obj: Json) -> tuple[bool, str]:
    return bool(obj.get("in_trash")), str(obj.get("parent"))


def _author(workspace: Workspace) -> tuple[str, str]:
    actor = workspace.world.actor or workspace.connections[0].bot
    return str(actor["id"]), "bot" if actor.get("type") == "bot" else "person"


def iso(moment: datetime) -> str:
    """With milliseconds: the time of an event is not cut to the minute."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"
