"""Who was allowed in: codes to exchange once, pairs of tokens that rotate, and their end."""

from __future__ import annotations

import secrets
import threading
import uuid
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlencode, urlsplit

from integrations.sandbox.notion.clock import Clock
from integrations.sandbox.notion.errors import Json
from integrations.sandbox.notion.limits import limits_of_plan, max_upload_bytes
from integrations.sandbox.notion.oauth.clients import OBJECT, PublicClient
from integrations.sandbox.notion.world import Connection, Workspace, World

CODE_SECONDS = 600
SCOPES = "read_content insert_content update_content read_user_information read_user_email"


@dataclass(frozen=True)
class Code:
    """An authorization code that was not exchanged yet."""

    client_id: str
    connection: Connection
    redirect_uri: str
    expires_at: float


class OAuth:
    """Public methods may be called from any thread."""

    def __init__(self, world: World, clock: Clock, lock: threading.RLock, save: Callable[[], None]) -> None:
        """`save` writes what the world noted to the journal."""
        self._world = world
        self._clock = clock
        self._lock = lock
        self._save = save
        self._codes: dict[str, Code] = {}

    # -- clients ---------------------------------------------------------------------------------

    def register(
        self,
        client_id: str | None = None,
        secret: str | None = None,
        *,
        name: str = "Task Sync",
        redirect_uris: Iterable[str] = (),
    ) -> PublicClient:
        """Add a public integration, or replace the one with this id. Raises ValueError."""
        with self._lock:
            client = PublicClient(
                id=client_id or str(uuid.uuid4()),
                secret=secret or f"secret_{secrets.token_urlsafe(32)}",
                name=name,
                redirect_uris=tuple(redirect_uris),
            )
            self._world.keep(OBJECT, client)
            self._save()
            return client

    def client(self, client_id: str) -> PublicClient:
        """Raises ValueError for an unknown one."""
        found = self._world.kept.get(OBJECT, {}).get(client_id)
        if not isinstance(found, PublicClient):
            raise ValueError(f"unknown client {client_id!r}")
        return found

    def clients(self) -> list[PublicClient]:
        found = self._world.kept.get(OBJECT, {}).values()
        return [one for one in found if isinstance(one, PublicClient)]

    # -- consent ---------------------------------------------------------------------------------

    def allow(
        self,
        client_id: str,
        workspace: str,
        as_user: str,
        *,
        redirect_uri: str,
        state: str = "",
        shared: Collection[str] | Literal["*"] = "*",
    ) -> str:
        """A person allows the integration; returns the address they are sent back to, with `code` and `state`.

        `shared`: ids of the pages and databases shown to it, "*" for all. Raises ValueError.
        """
        with self._lock:
            client = self._returning(client_id, redirect_uri)
            found = self._world.find(workspace)
            if found is None or as_user not in found.users:
                raise ValueError(f"no such person in workspace {workspace!r}")
            connection = self._connection(client, found, as_user)
            connection.shares_everything = shared == "*"
            connection.shared = set() if shared == "*" else set(shared)
            connection.unshared = set()
            self._world.note(found, found.as_json())
            code = secrets.token_urlsafe(24)
            expires_at = self._clock.now().timestamp() + CODE_SECONDS
            self._codes[code] = Code(client.id, connection, redirect_uri, expires_at)
            self._save()
            return _with_query(redirect_uri, code=code, state=state)

    def deny(self, client_id: str, *, redirect_uri: str, state: str = "") -> str:
        """A person refuses; returns the address they are sent back to, with `error` and `state`."""
        with self._lock:
            self._returning(client_id, redirect_uri)
            return _with_query(redirect_uri, error="access_denied", state=state)

    # -- tokens ----------------------------------------------------------------------------------

    def exchange(self, client: PublicClient, code: str, redirect_uri: str | None) -> Connection | None:
        """The connection with a new pair of tokens; None for a code that is wrong, old, used or another's."""
        with self._lock:
            held = self._codes.get(code)
            if held is None or held.client_id != client.id:
                return None
            if redirect_uri is not None and redirect_uri != held.redirect_uri:
                return None
            del self._codes[code]
            if held.expires_at <= self._clock.now().timestamp():
                return None
            self._renew(held.connection)
            return held.connection

    def refresh(self, client: PublicClient, refresh_token: str) -> Connection | None:
        """The connection with a new pair, the old pair dead; None for a token that is not in force."""
        with self._lock:
            connection = self._holder(client, refresh_token)
            if connection is None or connection.refresh_token != refresh_token:
                return None
            self._renew(connection)
            return connection

    def introspect(self, client: PublicClient, token: str) -> Json:
        """Whether one of the client's tokens is in force."""
        with self._lock:
            connection = self._holder(client, token)
            if connection is None or token in connection.revoked:
                return {"active": False}
            return {"active": True, "scope": SCOPES, "iat": int(connection.issued_at)}

    def revoke(self, client: PublicClient, token: str) -> None:
        """End the pair a token belongs to; nothing happens for others."""
        with self._lock:
            connection = self._holder(client, token)
            if connection is not None:
                self._end(connection)

    def withdraw(self, client_id: str, workspace: str) -> None:
        """A person removes the integration in Notion's settings: its tokens answer 401. Raises ValueError."""
        with self._lock:
            for connection in self._world.connections():
                if connection.client_id == client_id and connection.workspace is self._world.find(workspace):
                    self._end(connection)
                    return
            raise ValueError(f"{client_id!r} was never allowed into {workspace!r}")

    def connection(self, client_id: str, workspace: str) -> Connection | None:
        """The client's connection in a workspace."""
        found = self._world.find(workspace)
        held = found.connections if found else ()
        return next((one for one in held if one.client_id == client_id), None)

    # -- within ----------------------------------------------------------------------------------

    def _returning(self, client_id: str, redirect_uri: str) -> PublicClient:
        client = self.client(client_id)
        if not client.may_return_to(redirect_uri):
            raise ValueError("redirect_uri is not one of the client's")
        return client

    def _connection(self, client: PublicClient, workspace: Workspace, as_user: str) -> Connection:
        known = self.connection(client.id, workspace.id)
        if known is not None:
            known.bot["bot"]["owner"] = {"type": "user", "user": workspace.users[as_user]}
            return known
        bot: Json = {
            "object": "user",
            "id": str(uuid.uuid5(uuid.UUID(workspace.id), f"bot of {client.id}")),
            "name": client.name,
            "avatar_url": None,
            "type": "bot",
            "bot": {
                "owner": {"type": "user", "user": workspace.users[as_user]},
                "workspace_id": workspace.id,
                "workspace_name": workspace.name,
                "workspace_limits": {"max_file_upload_size_in_bytes": max_upload_bytes(workspace.plan)},
            },
        }
        made = Connection(workspace, bot, [], limits_of_plan(workspace.plan), client_id=client.id)
        workspace.connections.append(made)
        workspace.put_user(bot)
        return made

    def _renew(self, connection: Connection) -> None:
        self._end(connection)
        token = f"ntn_{secrets.token_urlsafe(30)}"
        connection.tokens = [token]
        connection.refresh_token = f"nrt_{secrets.token_urlsafe(30)}"
        connection.issued_at = self._clock.now().timestamp()
        self._world.tokens[token] = connection
        self._note(connection)

    def _end(self, connection: Connection) -> None:
        for token in connection.tokens:
            self._world.tokens.pop(token, None)
        connection.tokens = []
        connection.refresh_token = None
        connection.revoked = set()
        self._note(connection)

    def _note(self, connection: Connection) -> None:
        self._world.note(connection.workspace, connection.workspace.as_json())
        self._save()

    def _holder(self, client: PublicClient, token: str) -> Connection | None:
        for connection in self._world.connections():
            if connection.client_id == client.id and token in (*connection.tokens, connection.refresh_token):
                return connection
        return None


def _with_query(uri: str, **values: str) -> str:
    given = urlencode({key: value for key, value in values.items() if value})
    return f"{uri}{'&' if urlsplit(uri).query else '?'}{given}"
