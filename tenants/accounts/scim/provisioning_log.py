"""What directories did and were refused, in the company's log of sign-on, for its administrators."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from django.db.models import QuerySet

from tenants.accounts.access import Actor, require
from tenants.accounts.models import ScimDirectory, SsoLogEntry, User
from tenants.accounts.scim.permissions import MANAGE
from tenants.accounts.sso.sso_log import Outcome, Visit, note

PREFIX = "scim."
_visit: ContextVar[Visit | None] = ContextVar("scim_visit", default=None)


@contextmanager
def visited_from(visit: Visit) -> Iterator[None]:
    """Have what is written inside say from where the directory came."""
    token = _visit.set(visit)
    try:
        yield
    finally:
        _visit.reset(token)


def write(
    directory: ScimDirectory | None,
    event: str,
    *,
    user: User | None = None,
    subject: str = "",
    detail: str = "",
) -> None:
    """Note something that was done."""
    note(
        event=event,
        outcome=Outcome.ACCEPTED if _visit.get() else Outcome.CHANGED,
        visit=_visit.get(),
        user=user,
        subject=subject,
        detail=detail,
        provider_name=directory.name if directory else "",
    )


def write_refusal(
    directory: ScimDirectory | None, event: str, *, subject: str = "", detail: str = ""
) -> None:
    """Note something that was not done, and why."""
    note(
        event=event,
        outcome=Outcome.REFUSED,
        visit=_visit.get(),
        subject=subject,
        detail=detail,
        provider_name=directory.name if directory else "",
    )


def visible_entries(*, actor: Actor, directory: ScimDirectory) -> QuerySet[SsoLogEntry]:
    """The entries about one directory, the newest first. Raises: Forbidden."""
    require(actor, MANAGE)
    rows = SsoLogEntry.objects.select_related("user")
    return rows.filter(event__startswith=PREFIX, provider_name=directory.name).order_by("-at", "-id")
