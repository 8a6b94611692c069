"""What ties an answer of the outside service to the person, the session and the company that asked for it."""

import secrets
import time
from collections.abc import MutableMapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.core import signing
from django.core.cache import cache

from tenants.foundation.errors import InvalidInput
from tenants.tenancy import current_tenant

#: A person chooses databases meanwhile.
LIFETIME_SECONDS: Final = 900
_SALT: Final = "integrations.oauth.state"
_SESSION_KEY: Final = "oauth_pending"
#: So many tabs may be under way at once; the oldest gives way.
_MOST_PENDING: Final = 5


class InvalidState(InvalidInput):
    """The answer belongs to nothing this person has begun here; the sentence says what to do."""

    default_code = "oauth.invalid_state"
    default_message = (
        "This answer does not belong to anything you have begun here. Start again from the workspace’s page."
    )


@dataclass(frozen=True, slots=True)
class Pending:
    """What was begun: a new connection, or (`connection_id`) new access for exactly this one."""

    connection_id: UUID | None = None


def begin(
    session: MutableMapping[str, Any], *, host: str, user_id: UUID, connection_id: UUID | None = None
) -> str:
    """Note in the session that somebody leaves for the outside service; returns the state to send along.

    `host` is where they are to come back to, with its port.
    """
    nonce = secrets.token_urlsafe(24)
    pending = dict(session.get(_SESSION_KEY, {}))
    pending[nonce] = {
        "user": str(user_id),
        "connection": str(connection_id) if connection_id else "",
        "at": time.time(),
    }
    newest = sorted(pending, key=lambda key: float(pending[key]["at"]))[-_MOST_PENDING:]
    session[_SESSION_KEY] = {key: pending[key] for key in newest}
    return signing.dumps({"n": nonce, "t": str(current_tenant().id), "h": host}, salt=_SALT)


def origin_of(state: str) -> tuple[UUID, str]:
    """The company and the host a state was made on; needs no session. Raises: InvalidState."""
    content = _content(state)
    return UUID(content["t"]), content["h"]


def take(session: MutableMapping[str, Any], *, state: str, host: str, user_id: UUID) -> Pending:
    """Find what was begun with this state and strike it out: a second answer finds nothing.

    Raises: InvalidState (altered, too old, another session's, person's, company's or host's, or used already).
    """
    content = _content(state)
    pending = dict(session.get(_SESSION_KEY, {}))
    entry = pending.pop(content["n"], None)
    if entry is None or content["t"] != str(current_tenant().id) or content["h"] != host:
        raise InvalidState
    session[_SESSION_KEY] = pending
    # Two answers at the same moment hold the same session; only one of them gets past this.
    is_first = cache.add(f"oauth:{content['n']}", "used", timeout=LIFETIME_SECONDS * 2)
    if not is_first or entry["user"] != str(user_id):
        raise InvalidState
    return Pending(connection_id=UUID(entry["connection"]) if entry["connection"] else None)


def _content(state: str) -> dict[str, str]:
    try:
        content = signing.loads(state, salt=_SALT, max_age=LIFETIME_SECONDS)
    except signing.SignatureExpired:
        raise InvalidState(
            "This took longer than a quarter of an hour, so we no longer trust the answer. Start again.",
            code="oauth.expired_state",
        ) from None
    except signing.BadSignature:
        raise InvalidState from None
    return dict(content)
