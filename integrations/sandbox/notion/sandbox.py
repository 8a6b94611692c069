"""The sandbox as a whole, with the same verbs for tests that the control paths offer."""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from integrations.sandbox.notion.call import Call
from integrations.sandbox.notion.clock import Clock
from integrations.sandbox.notion.duplicating import duplicate_database
from integrations.sandbox.notion.errors import Json
from integrations.sandbox.notion.faults import Fault, Faults
from integrations.sandbox.notion.items import Item
from integrations.sandbox.notion.journal import Journal
from integrations.sandbox.notion.ledger import Entry, Ledger
from integrations.sandbox.notion.limits import Limits
from integrations.sandbox.notion.loading import add_object, add_workspace, load_file
from integrations.sandbox.notion.oauth.endpoints import PATHS as OAUTH_PATHS
from integrations.sandbox.notion.oauth.grants import OAuth
from integrations.sandbox.notion.pagination import CursorBook
from integrations.sandbox.notion.questions import Questions
from integrations.sandbox.notion.routes import blocks, comments, data_sources, page_markdown, pages
from integrations.sandbox.notion.routes.small_lists import EMOJI
from integrations.sandbox.notion.routing import ENDPOINTS
from integrations.sandbox.notion.templates import add_template
from integrations.sandbox.notion.webhooks.outgoing import Webhooks
from integrations.sandbox.notion.world import Connection, Workspace, World

OPERATIONS = ENDPOINTS | {f"POST {path}" for path in OAUTH_PATHS}
UNCHANGED: Any = object()


class Sandbox:
    """State, clock, faults and ledger behind one lock. Every public method may be called from any thread."""

    def __init__(
        self,
        *,
        load: Iterable[Path] = (),
        state: Path | None = None,
        budget: int | None = UNCHANGED,
        latency_ms: int = 0,
        questions: dict[str, Any] | None = None,
        window_url: str = "",
    ) -> None:
        """`budget`: calls a minute for every connection, None for no limit; left out: as loaded.

        `window_url`: where pages say they are, instead of at Notion's own address.

        `questions`: answers to what Notion leaves open, see `Questions`.
        Raises LoadError for a file that is not as the README describes, ValueError for an unknown question.
        """
        self.lock = threading.RLock()
        self.clock = Clock()
        self.world = World(self.clock)
        self.world.window_url = window_url
        self.set_questions(**(questions or {}))
        self.faults = Faults()
        self.ledger = Ledger()
        self.cursors = CursorBook(
            lambda: self.clock.now().timestamp(), lambda: self.world.questions.cursor_lifetime_seconds
        )
        self.journal = Journal(state) if state is not None else None
        if self.journal:
            self.journal.replay(self.world)
        loaded = sum(load_file(self.world, Path(path)) for path in load)
        self._overrides: dict[str, Any] = {"latency_ms": latency_ms} if latency_ms else {}
        if budget is not UNCHANGED:
            self._overrides["per_minute"] = budget
        self.set_limits(**self._overrides)
        if self.journal:
            self.journal.open(self.world, fold=loaded > 0)
        self.webhooks = Webhooks(self.world, self.clock, self.lock, self.save)
        self.world.tell_watcher = self.webhooks.watcher.say
        self.oauth = OAuth(self.world, self.clock, self.lock, self.save)
        self.world.watch = self.webhooks.watcher.changing
        self.world.is_live = True

    # -- filling ---------------------------------------------------------------------------------

    def add_workspace(self, line: Json, objects: Iterable[Json] = ()) -> Workspace:
        """Add a workspace from its first line and its objects. Raises LoadError, KeyError, ValueError."""
        with self.lock:
            was_live, self.world.is_live = self.world.is_live, False
            try:
                workspace = add_workspace(self.world, json.loads(json.dumps(line)))
                for obj in objects:
                    add_object(workspace, json.loads(json.dumps(obj)))
            finally:
                self.world.is_live = was_live
            self.set_limits(workspace.id, **self._overrides)
            if self.journal:
                self.journal.append([entry for entry in self.world.everything() if entry[0] == workspace.id])
            return workspace

    def put_user(self, workspace: str, user: Json) -> None:
        """Add or replace a person."""
        with self.lock:
            self.workspace(workspace).put_user(dict(user))
            self.save()

    # -- what people do in Notion ----------------------------------------------------------------

    def edit(self, page_id: str, as_user: str, patch: Json) -> Json:
        """A person edits a page; `patch` as in `PATCH /v1/pages/{id}`. Returns the page."""
        return self._as_person(page_id, as_user, patch, lambda call: pages.update_page(call, page_id))

    def trash(self, page_id: str, as_user: str, *, in_trash: bool = True) -> Json:
        """A person deletes a page, or takes it out of the trash."""
        return self.edit(page_id, as_user, {"in_trash": in_trash})

    def create(self, as_user: str, page: Json, page_id: str | None = None) -> Json:
        """A person makes a page; `page` as in `POST /v1/pages`."""
        parent = page.get("parent") or {}
        anchor = next(
            (parent[key] for key in ("data_source_id", "database_id", "page_id") if key in parent), ""
        )
        return self._as_person(anchor, as_user, page, lambda call: pages.create_page(call, page_id))

    def append(self, block_id: str, as_user: str, children: list[Json]) -> Json:
        """A person writes below a page or block."""
        body = {"children": children}
        return self._as_person(block_id, as_user, body, lambda call: blocks.append_children(call, block_id))

    def change_schema(self, data_source_id: str, as_user: str, patch: Json) -> Json:
        """A person changes columns; status options too."""
        return self._as_person(
            data_source_id, as_user, patch, lambda call: data_sources.update_data_source(call, data_source_id)
        )

    def read(self, page_id: str) -> Json:
        """The content of a page as people see it: `markdown`, and what could not be shown."""
        with self.lock:
            workspace, _ = self.holder_of(page_id)
            actor = workspace.connections[0].bot
            call = Call(
                workspace=workspace,
                cursors=self.cursors,
                limits=workspace.connections[0].limits,
                actor=actor,
            )
            return page_markdown.retrieve_markdown(call, page_id)

    def write(self, page_id: str, as_user: str, markdown: str) -> Json:
        """A person rewrites the content of a page; blocks that stay the same keep their ids."""
        body = {"type": "replace_content", "replace_content": {"new_str": markdown}}
        return self._as_person(
            page_id, as_user, body, lambda call: page_markdown.update_markdown(call, page_id)
        )

    def move(self, page_id: str, as_user: str, parent: Json) -> Json:
        """A person moves a page; `parent` as in `POST /v1/pages/{id}/move`."""
        return self._as_person(
            page_id, as_user, {"parent": parent}, lambda call: pages.move_page(call, page_id)
        )

    def duplicate(self, database_id: str, as_user: str) -> Json:
        """A person duplicates a database with its rows; returns the copy."""
        return self._as_person(database_id, as_user, {}, lambda call: duplicate_database(call, database_id))

    def comment(self, object_id: str, as_user: str, text: str) -> Json:
        """A person comments on a page or block."""
        _, item = self.holder_of(object_id)
        parent = {"block_id" if item.kind == "block" else "page_id": object_id}
        body = {"parent": parent, "rich_text": [{"text": {"content": text}}]}
        return self._as_person(object_id, as_user, body, comments.create_comment)

    def add_template(
        self,
        data_source_id: str,
        name: str,
        *,
        markdown: str = "",
        properties: Json | None = None,
        is_default: bool = False,
    ) -> str:
        """A person makes a template; `properties` as in `POST /v1/pages`. Returns its id."""
        with self.lock:
            workspace, _ = self.holder_of(data_source_id)
            made = add_template(
                workspace,
                data_source_id,
                name,
                markdown=markdown,
                properties=properties or {},
                is_default=is_default,
            )
            self.save()
            return str(made["id"])

    def add_custom_emoji(self, workspace: str, name: str, url: str) -> str:
        """Returns its id."""
        with self.lock:
            found = self.workspace(workspace)
            made = {"object": EMOJI, "id": str(uuid.uuid4()), "name": name, "url": url}
            found.put_thing(made)
            self.save()
            return str(made["id"])

    # -- rules -----------------------------------------------------------------------------------

    def set_limits(self, workspace: str | None = None, **values: Any) -> dict[str, Limits]:
        """Change limits of one workspace or all; by workspace id, those now in force. Raises ValueError."""
        with self.lock:
            chosen = [self.workspace(workspace)] if workspace else list(self.world.workspaces.values())
            for connection in [connection for one in chosen for connection in one.connections]:
                connection.limits = connection.limits.changed(values)
            if any("per_minute" in name for name in values):
                self.world.budget.forget()
            return {one.id: one.connections[0].limits for one in chosen}

    def set_questions(self, **values: Any) -> Questions:
        """Answer open questions otherwise; returns all answers. Raises ValueError."""
        with self.lock:
            self.world.questions = self.world.questions.changed(values)
            return self.world.questions

    def share(self, object_id: str, token: str | None = None, *, shared: bool = True) -> None:
        """Show an object, and what is below it, to one connection or to all; or hide it."""
        with self.lock:
            workspace, _ = self.holder_of(object_id)
            for connection in workspace.connections:
                if token is None or token in connection.tokens:
                    (connection.shared.add if shared else connection.shared.discard)(object_id)
                    (connection.unshared.discard if shared else connection.unshared.add)(object_id)
            self.world.note(workspace, workspace.as_json())
            self.save()

    def unshare(self, object_id: str, token: str | None = None) -> None:
        self.share(object_id, token, shared=False)

    def revoke(self, token: str, *, revoked: bool = True) -> None:
        """Make a token invalid, or valid again. Raises ValueError for an unknown one."""
        with self.lock:
            connection = self.world.tokens.get(token)
            if connection is None:
                raise ValueError("unknown token")
            (connection.revoked.add if revoked else connection.revoked.discard)(token)
            self.world.note(connection.workspace, connection.workspace.as_json())
            self.save()

    def fault(self, **values: Any) -> Fault:
        """Queue a fault, see the README. Raises ValueError."""
        with self.lock:
            if values.get("workspace"):
                values["workspace"] = self.workspace(values["workspace"]).id
            if values.get("operation") and values["operation"] not in OPERATIONS:
                raise ValueError(f"unknown operation; known: {', '.join(sorted(OPERATIONS))}")
            return self.faults.queue(**values)

    # -- looking ---------------------------------------------------------------------------------

    def calls(self, workspace: str | None = None) -> list[Entry]:
        """The calls answered so far, oldest first."""
        with self.lock:
            wanted = self.workspace(workspace).id if workspace else None
            return [call for call in self.ledger.calls if wanted in (None, call.workspace)]

    def report(
        self,
        workspace: str | None = None,
        *,
        token: str | None = None,
        strategy: str | None = None,
        with_calls: bool = False,
        reset: bool = False,
    ) -> Json:
        """The ledger's counts, of all calls or of those that fit what is given."""
        with self.lock:
            wanted = self.workspace(workspace).id if workspace else None
            report = self.ledger.report(wanted, token=token, strategy=strategy, with_calls=with_calls)
            if reset:
                self.ledger.reset()
            return report

    def state(self) -> Json:
        """What there is, in numbers."""
        with self.lock:
            return {
                "now": self.clock.now().isoformat(),
                "clock": self.clock.mode,
                "workspaces": [_summary(workspace) for workspace in self.world.workspaces.values()],
                "faults": self.faults.waiting(),
            }

    def workspace(self, name: str) -> Workspace:
        """By id, name or token. Raises ValueError."""
        found = self.world.find(name)
        if found is None:
            raise ValueError(f"unknown workspace {name!r}")
        return found

    def holder_of(self, object_id: str) -> tuple[Workspace, Item]:
        """Raises ValueError for an id no workspace has."""
        found = self.world.holder_of(object_id)
        if found is None:
            raise ValueError(f"no object with id {object_id}")
        return found

    def connection_of(self, token: str) -> Connection | None:
        """None for an unknown or revoked token."""
        connection = self.world.tokens.get(token)
        if connection is None or token in connection.revoked:
            return None
        lifetime = self.world.questions.token_lifetime_seconds
        age = self.clock.now().timestamp() - connection.issued_at
        has_expired = connection.client_id is not None and lifetime is not None and age >= lifetime
        return None if has_expired else connection

    def save(self) -> None:
        """Hand what changed to the journal and to those who listen. The caller holds the lock."""
        self.webhooks.close_windows()
        notes = self.world.take_notes()
        if self.journal:
            self.journal.append(notes)

    def close(self) -> None:
        if self.journal:
            with self.lock:
                self.journal.close()

    def _as_person(self, object_id: str, as_user: str, body: Json, act: Any) -> Json:
        with self.lock:
            workspace, _ = self.holder_of(object_id)
            person = workspace.users.get(as_user)
            if person is None:
                raise ValueError(f"no user with id {as_user} in {workspace.name}")
            call = Call(
                workspace=workspace,
                cursors=self.cursors,
                limits=workspace.connections[0].limits,
                actor=person,
                body=json.loads(json.dumps(body)),
            )
            self.world.actor = person
            try:
                answer = act(call)
            finally:
                self.save()
                self.world.actor = None
            return json.loads(answer) if isinstance(answer, bytes) else answer  # type: ignore[no-any-return]


def _summary(workspace: Workspace) -> Json:
    return {
        "id": workspace.id,
        "name": workspace.name,
        "plan": workspace.plan,
        "tokens": [token for connection in workspace.connections for token in connection.tokens],
        "users": len(workspace.users),
        "databases": len(workspace.items["database"]),
        "data_sources": len(workspace.items["data_source"]),
        "pages": len(workspace.items["page"]),
        "blocks": len(workspace.items["block"]),
        "limits": workspace.connections[0].limits.as_json(),
    }


def real_now() -> str:
    """The machine's time for the ledger."""
    return datetime.now(UTC).isoformat()
