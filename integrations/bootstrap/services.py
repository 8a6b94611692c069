"""Sets a workspace up: shows the plan, and starts carrying it out in the background."""

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

import structlog
from django.db import IntegrityError
from django.db.models import QuerySet

from integrations.bootstrap.opening import open_builder
from integrations.bootstrap.planning import ACTIONS, MAKE, Planned, plan_setup
from integrations.capabilities import ProblemKind, SourceError
from integrations.capabilities.workspace_builder import ParentPage
from integrations.models import Connection, SyncedCollection, WorkspaceSetup
from integrations.sync.stored_mapping import remote_collection
from tenants.accounts.access import Actor, require
from tenants.dispatch import enqueue
from tenants.foundation.errors import Conflict, InvalidInput, NotFound
from tenants.tenancy import atomic

log = structlog.get_logger(__name__)
BUILD_JOB: Final = "integrations.build_workspace"
_MAX_PAGES: Final = 10


def parent_pages(*, connection: Connection, actor: Actor) -> list[ParentPage]:
    """The pages that are shared with the integration, in which databases can be made; outside a transaction.

    Rows are pages too, and there may be a million: those edited last and those edited longest ago are looked through,
    in turn, until all were seen or enough calls were made. A home page is rarely edited, a new page was edited last.
    Raises: Forbidden, NotConnected, SourceError, LimitReached.
    """
    with atomic():
        require(actor, "integrations.connect", on=connection)
    opened = open_builder(connection)
    found: dict[str, ParentPage] = {}
    cursors: dict[bool, str | None] = {True: None, False: None}
    for number in range(_MAX_PAGES):
        is_oldest_first = bool(number % 2)
        cursor = cursors[is_oldest_first]
        page = opened.builder.parents(cursor=cursor, oldest_first=is_oldest_first)
        found |= {item.id: item for item in page.pages}
        if page.next_cursor is None or page.next_cursor == cursor:
            break
        cursors[is_oldest_first] = page.next_cursor
    opened.guard.write_tally()
    return sorted(found.values(), key=lambda item: (item.title.casefold(), item.id))


@atomic
def proposed_setup(
    *, connection: Connection, actor: Actor, choices: Mapping[str, str] | None = None
) -> list[Planned]:
    """What a setup would make and what it would take over; no call. Raises: Forbidden, InvalidInput."""
    require(actor, "integrations.connect", on=connection)
    _check(choices or {})
    collections = SyncedCollection.objects.filter(connection=connection).exclude(
        state=SyncedCollection.State.LOST
    )
    return plan_setup([remote_collection(row) for row in collections], choices)


def start_setup(
    *,
    connection: Connection,
    actor: Actor,
    parent_page_id: str,
    choices: Mapping[str, str] | None = None,
    adds_missing: bool = False,
    has_dashboard: bool = True,
) -> WorkspaceSetup:
    """Start making what the plan says below a page; outside a transaction (the page is looked at, one call).

    Raises: Forbidden, InvalidInput (no such page, unknown choice), Conflict (one is under way, nothing to do),
    SourceError, LimitReached.
    """
    planned = proposed_setup(connection=connection, actor=actor, choices=choices)
    if not any(item.action == MAKE for item in planned) and not (adds_missing or has_dashboard):
        raise Conflict("Everything is there already: nothing would be made.")
    parent = parent_page_id.strip()
    if not parent:
        raise InvalidInput(
            "Choose the page below which the databases are made.", fields={"parent": ["Choose a page."]}
        )
    _look_at(connection, parent)
    plan: dict[str, Any] = {
        "databases": {item.key: item.as_json() for item in planned},
        "adds_missing": adds_missing,
        "has_dashboard": has_dashboard,
    }
    try:
        with atomic():
            setup = WorkspaceSetup.objects.create(
                connection=connection, parent_page_id=parent, plan=plan, started_by_id=actor.user_id
            )
            enqueue(BUILD_JOB, object_id=setup.pk, slot=f"build:{setup.pk}", priority=30)
    except IntegrityError as error:
        raise Conflict(
            "This workspace is being set up already.", code="integrations.setup_under_way"
        ) from error
    log.info("workspace.setup_started", connection_id=connection.pk, setup_id=setup.pk)
    return setup


def setups_of(*, actor: Actor, connection: Connection) -> QuerySet[WorkspaceSetup]:
    """The set-ups of a workspace, newest first. Raises: Forbidden."""
    require(actor, "integrations.view")
    return WorkspaceSetup.objects.filter(connection=connection).select_related("connection")


def setup_for(*, actor: Actor, connection: Connection, setup_id: UUID) -> WorkspaceSetup:
    """One set-up. Raises: Forbidden, NotFound."""
    found = setups_of(actor=actor, connection=connection).filter(pk=setup_id).first()
    if found is None:
        raise NotFound("There is no such set-up.")
    return found


@atomic
def retry_setup(*, setup: WorkspaceSetup, actor: Actor) -> WorkspaceSetup:
    """Go on with a set-up that failed, where it stands. Raises: Forbidden, Conflict."""
    require(actor, "integrations.connect", on=setup.connection)
    locked = WorkspaceSetup.objects.select_for_update().get(pk=setup.pk)
    if locked.state != WorkspaceSetup.State.FAILED:
        raise Conflict("Only a set-up that failed can be tried again.")
    others = WorkspaceSetup.objects.filter(connection_id=locked.connection_id).exclude(pk=locked.pk)
    if others.filter(state__in=[WorkspaceSetup.State.QUEUED, WorkspaceSetup.State.RUNNING]).exists():
        raise Conflict("This workspace is being set up already.", code="integrations.setup_under_way")
    locked.state, locked.error = WorkspaceSetup.State.QUEUED, ""
    locked.save(update_fields=["state", "error", "updated_at"])
    enqueue(BUILD_JOB, object_id=locked.pk, slot=f"build:{locked.pk}", priority=30)
    return locked


def _check(choices: Mapping[str, str]) -> None:
    known = {item.key for item in plan_setup([])}
    for key, action in choices.items():
        if key not in known or action not in ACTIONS:
            raise InvalidInput(
                f"“{key[:40]}: {action[:40]}” is no choice.",
                fields={key[:40]: [f"Choose one of: {', '.join(ACTIONS)}."]},
            )


def _look_at(connection: Connection, parent_id: str) -> None:
    opened = open_builder(connection)
    try:
        opened.builder.children(parent_id)
    except SourceError as error:
        if error.kind not in {ProblemKind.NOT_FOUND, ProblemKind.INVALID_REQUEST, ProblemKind.FORBIDDEN}:
            raise
        raise InvalidInput(
            "This page is not shared with the integration.",
            fields={"parent": ["Share the page with the integration, or choose another."]},
        ) from error
    finally:
        opened.guard.write_tally()
