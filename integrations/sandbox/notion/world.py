"""What the sandbox holds: workspaces, their connections and their objects, in memory."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from integrations.sandbox.notion.clock import Clock
from integrations.sandbox.notion.errors import Json
from integrations.sandbox.notion.items import KINDS, Item, Kind, Table
from integrations.sandbox.notion.limits import Budget, Limits
from integrations.sandbox.notion.questions import Questions


class Kept(Protocol):
    """Something the world keeps for somebody else, as a line of the journal."""

    @property
    def id(self) -> str: ...

    def as_json(self) -> Json: ...


def integration_id(name: str) -> str:
    """From a client id, or from the bot of an internal integration."""
    return str(uuid.uuid5(uuid.NAMESPACE_OID, f"integration {name}"))


@dataclass(eq=False)
class Connection:
    """One integration in one workspace: its bot, its tokens and what was shared with it.

    `client_id` names the public integration it belongs to; an internal one has none.
    """

    workspace: Workspace
    bot: Json
    tokens: list[str]
    limits: Limits
    shares_everything: bool = True
    shared: set[str] = field(default_factory=set)
    unshared: set[str] = field(default_factory=set)
    revoked: set[str] = field(default_factory=set)
    client_id: str | None = None
    refresh_token: str | None = None
    issued_at: float = 0.0

    def __post_init__(self) -> None:
        # What is changed while running holds for this run only; the journal keeps what was loaded.
        self._loaded_limits = self.limits

    @property
    def id(self) -> str:
        return str(self.bot["id"])

    @property
    def integration_id(self) -> str:
        """Of the integration, which is one for all workspaces when it is public."""
        return integration_id(self.client_id or self.id)

    @property
    def is_alive(self) -> bool:
        """Whether a token is left that works."""
        return any(token not in self.revoked for token in self.tokens)

    def as_json(self) -> Json:
        return {
            "bot": self.bot,
            "tokens": self.tokens,
            "limits": self._loaded_limits.as_json(),
            "shared": "*" if self.shares_everything else sorted(self.shared),
            "also_shared": sorted(self.shared) if self.shares_everything else [],
            "unshared": sorted(self.unshared),
            "revoked": sorted(self.revoked),
            **(self._public_keys() if self.client_id else {}),
        }

    def _public_keys(self) -> Json:
        return {
            "client_id": self.client_id,
            "refresh_token": self.refresh_token,
            "issued_at": self.issued_at,
        }

    def sees(self, object_id: str) -> bool:
        """Whether the object is shared: the nearest of it and its ancestors that says so decides."""
        if self.shares_everything and not self.unshared:
            return True
        current: str | None = object_id
        for _ in range(64):  # a loaded loop of parents must not hang the server
            if current is None:
                break
            if current in self.unshared:
                return False
            if current in self.shared:
                return True
            current = self.workspace.parent_of(current)
        return self.shares_everything


class Workspace:
    """A workspace's people, objects and connections."""

    def __init__(self, world: World, workspace_id: str, name: str, plan: str) -> None:
        self.world = world
        self.id = workspace_id
        self.name = name
        self.plan = plan
        self.connections: list[Connection] = []
        self.users: dict[str, Json] = {}
        self.items: dict[Kind, dict[str, Item]] = {kind: {} for kind in KINDS}
        self.children: dict[str, list[str]] = {}
        self.tables: dict[str, Table] = {}
        self.things: dict[
            str, dict[str, Json]
        ] = {}  # comments, file uploads, views …: by `object`, then by id
        self.blocks_given = 0

    def as_json(self) -> Json:
        """The first line of a file that would load this workspace."""
        first, *others = (connection.as_json() for connection in self.connections)
        line = {"object": "sandbox_workspace", "id": self.id, "name": self.name, "plan": self.plan}
        return {**line, **first, "connections": others, "blocks_given": self.blocks_given}

    def item(self, kind: Kind, object_id: str) -> Item | None:
        return self.items[kind].get(object_id)

    def parent_of(self, object_id: str) -> str | None:
        for kind in KINDS:
            found = self.items[kind].get(object_id)
            if found is not None:
                return found.parent_id
        return None

    def table(self, data_source_id: str) -> Table:
        return self.tables.setdefault(data_source_id, Table())

    def put(self, kind: Kind, obj: Json) -> Item:
        """Add or replace an object, keep its place among its siblings, and note it for the journal."""
        item = self.items[kind].get(obj["id"])
        self.world.changing(self, kind, item.obj if item else None, obj)
        if item is None:
            is_known = any(obj["id"] in self.items[other] for other in KINDS)
            item = Item(kind, obj, self.world.clock.now().timestamp() if self.world.is_live else 0.0)
            self.items[kind][item.id] = item
            self._place(item, is_known=is_known)
        else:
            old_parent = item.parent_id
            item.replace(obj)
            if item.parent_id != old_parent:
                self._displace(item.id, old_parent)
                self._place(item, is_known=False)
        self._row_changed(item)
        self.world.note(self, item.obj)
        return item

    def touched(self, item: Item) -> None:
        """Say that `item.obj` was changed in place."""
        self.put(item.kind, item.obj)

    def thing(self, name: str, thing_id: str) -> Json | None:
        """A comment, file upload, view …; `name` is its `object`."""
        return self.things.get(name, {}).get(thing_id)

    def put_thing(self, obj: Json) -> Json:
        """Add or replace something that is neither page, database nor block."""
        self.things.setdefault(obj["object"], {})[obj["id"]] = obj
        self.world.note(self, obj)
        return obj

    def drop_thing(self, obj: Json) -> None:
        self.things.get(obj["object"], {}).pop(obj["id"], None)
        self.world.note(self, {"object": obj["object"], "id": obj["id"], "is_gone": True})

    def put_user(self, user: Json) -> None:
        self.users[user["id"]] = user
        self.world.note(self, user)

    def order_children(self, parent_id: str, ids: list[str]) -> None:
        """Set the order of the blocks under a page or block."""
        self.children[parent_id] = ids
        self.world.note(self, {"object": "sandbox_children", "id": parent_id, "children": ids})

    def _place(self, item: Item, *, is_known: bool) -> None:
        parent = item.parent_id
        if parent is None:
            return
        if item.kind == "page" and "data_source_id" in item.obj["parent"]:
            self.table(parent).add(item)
        elif item.kind in ("page", "database", "block"):
            siblings = self.children.setdefault(parent, [])
            if is_known and item.id in siblings:
                if item.kind != "block":
                    return
                siblings.remove(item.id)  # the line of the block says where the page stands
            siblings.append(item.id)

    def _displace(self, object_id: str, parent_id: str | None) -> None:
        if parent_id is None:
            return
        table = self.tables.get(parent_id)
        if table is not None and object_id in table.rows:
            table.remove(object_id)
            table.changed()
        if object_id in self.children.get(parent_id, ()):
            self.children[parent_id].remove(object_id)

    def _row_changed(self, item: Item) -> None:
        if item.kind == "page" and item.parent_id in self.tables:
            self.tables[item.parent_id].changed()


class World:
    """All workspaces. Not thread-safe by itself: `Sandbox` holds the lock."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.budget = Budget(clock)
        self.workspaces: dict[str, Workspace] = {}
        self.tokens: dict[str, Connection] = {}
        self.is_live = False  # False while loading: nothing is noted for the journal
        self.questions = Questions()
        self.window_url = ""  # where pages say they are, see `Sandbox`
        self.base_url = "http://127.0.0.1"  # as the caller of the moment knows this server
        self.actor: Json | None = None  # the user on whose behalf a change is being made
        self.watch: Callable[[Workspace, Kind, Json | None, Json], None] | None = None
        self.kept: dict[str, dict[str, Kept]] = {}  # by the `object` of their lines, then by id
        self.tell_watcher: (
            Callable[[Workspace, str, tuple[str, str], Json | None, tuple[str, ...]], None] | None
        )
        self.tell_watcher = None
        self.files: dict[str, tuple[bytes, str]] = {}  # content and type by upload; not kept over a restart
        self.view_queries: dict[str, tuple[str, list[str], datetime]] = {}
        self.file_parts: dict[str, dict[int, bytes]] = {}
        self._noted: list[tuple[str, Json]] = []

    def tell(
        self,
        workspace: Workspace,
        event_type: str,
        entity: tuple[str, str],
        data: Json | None,
        *,
        seen_through: tuple[str, ...] = (),
    ) -> None:
        """Tell whoever watches of something that is never gathered. `seen_through`: ids that must be shared."""
        if self.is_live and self.tell_watcher is not None:
            self.tell_watcher(workspace, event_type, entity, data, seen_through)

    def changing(self, workspace: Workspace, kind: Kind, before: Json | None, after: Json) -> None:
        """Tell whoever watches that an object is about to change."""
        if self.is_live and self.watch is not None:
            self.watch(workspace, kind, before, after)

    @contextmanager
    def unwatched(self) -> Iterator[None]:
        """Changes that nobody made: they follow from another one."""
        watch, self.watch = self.watch, None
        try:
            yield
        finally:
            self.watch = watch

    def keep(self, name: str, thing: Kept) -> None:
        """Keep something that belongs to no workspace; `name` is the `object` of its line."""
        self.kept.setdefault(name, {})[thing.id] = thing
        self._note_for_all(thing.as_json())

    def forget(self, name: str, thing_id: str) -> None:
        del self.kept[name][thing_id]
        self._note_for_all({"object": name, "id": thing_id, "is_gone": True})

    def _note_for_all(self, obj: Json) -> None:
        if self.is_live:
            self._noted.append(("", obj))

    def note(self, workspace: Workspace, obj: Json) -> None:
        if self.is_live:
            self._noted.append((workspace.id, obj))

    def take_notes(self) -> list[tuple[str, Json]]:
        """What changed since the last call; an object changed twice comes once."""
        notes, self._noted = self._noted, []
        last = {(workspace_id, obj["object"], obj["id"]): (workspace_id, obj) for workspace_id, obj in notes}
        return list(last.values())

    def connections(self) -> Iterator[Connection]:
        for workspace in self.workspaces.values():
            yield from workspace.connections

    def find(self, name: str) -> Workspace | None:
        """A workspace by id, by name or by one of its tokens."""
        if name in self.workspaces:
            return self.workspaces[name]
        if name in self.tokens:
            return self.tokens[name].workspace
        return next((found for found in self.workspaces.values() if found.name == name), None)

    def holder_of(self, object_id: str, kinds: Iterable[Kind] = KINDS) -> tuple[Workspace, Item] | None:
        """The workspace that has an object, and the object."""
        for workspace in self.workspaces.values():
            for kind in kinds:
                found = workspace.items[kind].get(object_id)
                if found is not None:
                    return workspace, found
        return None

    def everything(self) -> Iterator[tuple[str, Json]]:
        """Each line of a snapshot: the workspace's id ("" for all) and an object; parents need not come first."""
        for group in self.kept.values():
            for kept in group.values():
                yield "", kept.as_json()
        for workspace in self.workspaces.values():
            yield workspace.id, workspace.as_json()
            for user in workspace.users.values():
                yield workspace.id, user
            for kind in ("database", "data_source", "page", "block"):
                for item in workspace.items[kind].values():
                    yield workspace.id, item.obj
            for things in workspace.things.values():
                for thing in things.values():
                    yield workspace.id, thing
            for parent_id, ids in workspace.children.items():
                yield workspace.id, {"object": "sandbox_children", "id": parent_id, "children": ids}
