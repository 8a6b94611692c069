"""Carries a set-up out, one call after the other, so that whoever goes on after a crash makes nothing twice."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import structlog
from django.utils import timezone

from integrations.bootstrap.blueprint import (
    BLUEPRINT,
    BY_KEY,
    DASHBOARD,
    DASHBOARD_TEXT,
    DASHBOARD_TITLE,
    FIGURES,
    Database,
    View,
)
from integrations.bootstrap.figures import FIGURES_JOB
from integrations.bootstrap.opening import OpenBuilder, open_builder
from integrations.bootstrap.planning import ADOPT, MAKE
from integrations.capabilities import FieldKind, ProblemKind, RemoteCollection, RemoteField, SourceError
from integrations.capabilities.workspace_builder import BuiltContainer, NewField, NewView
from integrations.models import Connection, WorkspaceSetup
from integrations.sync.discovery import note_collections
from integrations.sync.session import NotConnected
from integrations.sync.vocabulary import normal
from tenants.dispatch import schedule
from tenants.foundation.errors import Conflict, LimitReached
from tenants.tenancy import atomic

log = structlog.get_logger(__name__)
DASHBOARD_KEY: Final = "dashboard"
#: The service makes no views for us: an older version of it, another plan, or it will not.
_NO_VIEWS: Final = {ProblemKind.INVALID_REQUEST, ProblemKind.NOT_FOUND, ProblemKind.FORBIDDEN}
_LATER_SECONDS: Final = 10.0
#: So long what was asked for without an answer may still come to stand there: nothing is asked for twice before.
UNDER_WAY: Final = timedelta(seconds=120)
#: Beside the databases in `made`: what was asked for and not answered for sure, and when. It goes with the answer.
_ASKED: Final = "asked"


class NotMade(Conflict):
    """The service has said that something was made, and it is nowhere to be found."""

    default_code = "integrations.setup_not_found"
    default_message = (
        "The service says that it was made, but it is not in the page. Look there, then try again: "
        "what is missing then is made anew."
    )


def run_setup(*, setup_id: UUID, heartbeat: Callable[[], None]) -> WorkspaceSetup | None:
    """Carry a set-up out from where it stands; outside a transaction. Safe to call again after any interruption.

    Raises: LimitReached (go on after `retry_after_seconds`).
    """
    with atomic():
        setup = WorkspaceSetup.objects.select_related("connection").filter(pk=setup_id).first()
        if setup is None or setup.state in {WorkspaceSetup.State.DONE, WorkspaceSetup.State.FAILED}:
            return setup
        setup.state = WorkspaceSetup.State.RUNNING
        setup.save(update_fields=["state", "updated_at"])
    try:
        opened = open_builder(setup.connection)
        _Building(setup, opened, heartbeat).carry_out()
    except (SourceError, NotConnected, NotMade) as error:
        if isinstance(error, SourceError) and error.is_transient:
            seconds = error.retry_after_seconds or _LATER_SECONDS
            log.info("workspace.setup_interrupted", setup_id=setup.pk, kind=error.kind.value)
            raise LimitReached(str(error), retry_after_seconds=seconds) from error
        _end(setup, WorkspaceSetup.State.FAILED, str(error))
    else:
        _end(setup, WorkspaceSetup.State.DONE, "")
    return setup


@atomic
def give_up_setup(*, setup_id: UUID, reason: str) -> None:
    """End a set-up nobody works on any more; it can be tried again. Safe to repeat."""
    open_ones = WorkspaceSetup.objects.filter(
        pk=setup_id, state__in=[WorkspaceSetup.State.QUEUED, WorkspaceSetup.State.RUNNING]
    )
    open_ones.update(state=WorkspaceSetup.State.FAILED, error=reason[:2000], finished_at=timezone.now())


class _Building:
    def __init__(self, setup: WorkspaceSetup, opened: OpenBuilder, heartbeat: Callable[[], None]) -> None:
        self._setup = setup
        self._connection: Connection = setup.connection
        self._builder, self._guard = opened.builder, opened.guard
        self._heartbeat = heartbeat
        self._collections: dict[str, RemoteCollection] = {}

    def carry_out(self) -> None:
        try:
            for database in BLUEPRINT:
                self._heartbeat()
                self._settle(database)
            for database in BLUEPRINT:
                if self._made.get(database.key):
                    self._connect(database)
            for database in BLUEPRINT:
                if self._made.get(database.key, {}).get("is_adopted") is False:
                    self._add_views(database.key, database.views)
            if self._setup.plan.get("has_dashboard"):
                self._dashboard()
        finally:
            self._guard.write_tally()
        note_collections(self._connection, tuple(self._collections.values()), calls=self._guard.take_count())

    @property
    def _made(self) -> dict[str, Any]:
        made: dict[str, Any] = self._setup.made
        return made

    def _settle(self, database: Database) -> None:
        planned = self._setup.plan["databases"][database.key]
        if self._made.get(database.key):
            return
        if planned["action"] == ADOPT:
            self._note(
                database.key, database_id=planned["container_id"], data_source_id=planned["collection_id"],
                is_adopted=True, views=[],
            )  # fmt: skip
        elif planned["action"] == MAKE:
            self._make(database)

    def _make(self, database: Database) -> None:
        """Make a database with its columns, and the relations to those that stand already."""
        fields = (*database.fields, *self._relations(database, is_own=False))
        built = self._made_once(
            database.key,
            find=lambda: self._left_behind(database.title),
            make=lambda: self._builder.create_collection(
                self._setup.parent_page_id, title=database.title, icon=database.icon, fields=fields
            ),
        )
        self._note(
            database.key, database_id=built.container_id, data_source_id=built.collection_id, url=built.url,
            is_adopted=False, views=[],
        )  # fmt: skip

    def _made_once[Built](
        self, step: str, *, find: Callable[[], Built | None], make: Callable[[], Built]
    ) -> Built:
        """Ask for something to be made, unless that was done before and it stands, or may still come.

        Raises: LimitReached (asked for, and nobody knows yet), NotMade (they say it was made, and it is nowhere),
        SourceError.
        """
        if self._setup.step == step:
            # Somebody tried before and got no answer: what was made then stands in the page.
            found = find()
            if found is not None:
                return found
            self._wait_for_what_may_come()
        self._begin(step)
        try:
            return make()
        except LimitReached:
            self._answered()
            raise
        except SourceError as error:
            if error.is_committed:
                self._save(**{_ASKED: {**self._made[_ASKED], "is_committed": True}})
            elif not error.is_ambiguous:
                self._answered()
            raise

    def _wait_for_what_may_come(self) -> None:
        asked = self._made.get(_ASKED)
        if asked is None:
            return
        rest = datetime.fromisoformat(asked["at"]) + UNDER_WAY - timezone.now()
        if rest > timedelta():
            seconds = min(rest.total_seconds(), _LATER_SECONDS)
            raise LimitReached("It may still be being made.", retry_after_seconds=seconds)
        if asked["is_committed"]:
            self._answered()
            raise NotMade

    def _answered(self) -> None:
        """Nothing is under way any more."""
        self._setup.made = {key: value for key, value in self._made.items() if key != _ASKED}
        self._save()

    def _left_behind(self, title: str) -> BuiltContainer | None:
        known = {item.get("database_id") for item in self._made.values() if isinstance(item, Mapping)}
        known |= {item["container_id"] for item in self._setup.plan["databases"].values()}
        cursor: str | None = None
        while True:
            page = self._builder.children(self._setup.parent_page_id, cursor=cursor)
            for child in page.children:
                if child.is_collection and child.title == title and child.id not in known:
                    return self._builder.container(child.id)
            if page.next_cursor is None or page.next_cursor == cursor:
                return None
            cursor = page.next_cursor

    def _relations(self, database: Database, *, is_own: bool) -> list[NewField]:
        """Its relations to databases that stand; those to itself apart, for they need it to be there."""
        return [
            NewField(
                relation.name, FieldKind.RELATION,
                related_collection_id=self._made[relation.to]["data_source_id"], name_there=relation.name_there,
            )
            for relation in database.relations
            if (relation.to == database.key) is is_own and self._made.get(relation.to)
        ]  # fmt: skip

    def _connect(self, database: Database) -> None:
        """Add what is missing: relations to itself, and columns of an adopted one where that is wanted."""
        made = self._made[database.key]
        collection = self._builder.collection(made["data_source_id"])
        present = {normal(field.name) for field in collection.fields}
        wanted: list[NewField] = []
        if not made["is_adopted"] or self._setup.plan.get("adds_missing"):
            wanted = [*self._relations(database, is_own=False), *self._relations(database, is_own=True)]
            wanted += [field for field in database.fields if field.kind is not FieldKind.TITLE]
        missing = [field for field in wanted if normal(field.name) not in present]
        if missing:
            self._begin(f"{database.key}.columns")
            collection = self._builder.add_fields(made["data_source_id"], missing)
        self._collections[database.key] = collection

    def _add_views(self, key: str, views: Sequence[View]) -> None:
        for view in views:
            self._heartbeat()
            self._view(key, view, in_page="", into=self._made[key])

    def _view(self, key: str, view: View, *, in_page: str, into: dict[str, Any]) -> None:
        """Make one view; the service refusing it ends all making of views, and is told."""
        if view.name in into["views"] or self._made.get("views_refused"):
            return
        collection = self._collections.get(key)
        new = _new_view(view, collection) if collection is not None else None
        if collection is None or new is None:
            return
        container = "" if in_page else str(self._made[key]["database_id"])
        try:
            self._builder.create_view(collection.id, new, container_id=container, page_id=in_page)
        except SourceError as error:
            if error.kind in _NO_VIEWS:
                log.info("workspace.views_refused", setup_id=self._setup.pk, reason=str(error))
                self._save(views_refused=str(error)[:500])
                return
            if not (error.is_ambiguous or error.is_committed):
                raise
            # Perhaps it was made: a view too many would be worse than one too few.
        into["views"].append(view.name)
        self._save()

    def _dashboard(self) -> None:
        """A page with views of the databases; where views cannot be made, a database of figures instead."""
        if not self._made.get(DASHBOARD_KEY) and not self._made.get("views_refused"):
            page = self._made_once(
                DASHBOARD_KEY,
                find=self._page_left_behind,
                make=lambda: (
                    self._builder.create_page(
                        self._setup.parent_page_id, title=DASHBOARD_TITLE, icon="📈", text=DASHBOARD_TEXT
                    ).id
                ),
            )
            self._note(DASHBOARD_KEY, page_id=page, views=[])
        for key, view in DASHBOARD:
            if self._made.get(DASHBOARD_KEY):
                board = self._made[DASHBOARD_KEY]
                self._view(key, view, in_page=board["page_id"], into=board)
        if self._made.get("views_refused") and not self._made.get(FIGURES.key):
            self._make(FIGURES)

    def _page_left_behind(self) -> str | None:
        page = self._builder.children(self._setup.parent_page_id)
        return next(
            (item.id for item in page.children if not item.is_collection and item.title == DASHBOARD_TITLE),
            None,
        )

    def _begin(self, step: str) -> None:
        """Write down what is asked for and when, before it is."""
        self._setup.step = step
        asked = {"at": timezone.now().isoformat(), "is_committed": False}
        self._setup.made = {**self._made, _ASKED: asked}
        with atomic():
            self._setup.save(update_fields=["step", "made", "updated_at"])

    def _note(self, key: str, **facts: Any) -> None:
        """Write down what stands; whatever was asked for before it has come to its end."""
        self._setup.made = {name: value for name, value in self._made.items() if name != _ASKED}
        self._save(**{key: facts})

    def _save(self, **facts: Any) -> None:
        self._setup.made = {**self._setup.made, **facts}
        with atomic():
            self._setup.save(update_fields=["made", "updated_at"])


def _new_view(view: View, collection: RemoteCollection) -> NewView | None:
    """The view by the columns' ids; None when a column it needs is not there."""
    by_name: dict[str, RemoteField] = {normal(field.name): field for field in collection.fields}
    found = {name: by_name.get(normal(name)) for name in (view.group, view.start, view.end) if name}
    if None in found.values():
        return None
    return NewView(
        view.name,
        view.kind,
        group=found.get(view.group),
        start=found.get(view.start),
        end=found.get(view.end),
    )


@atomic
def _end(setup: WorkspaceSetup, state: str, error: str) -> None:
    if state == WorkspaceSetup.State.DONE and setup.made.get(FIGURES.key):
        schedule(FIGURES_JOB, every=timedelta(days=1), object_id=setup.pk, slot=f"figures:{setup.pk}")
    setup.state, setup.error, setup.finished_at = state, error[:2000], timezone.now()
    setup.save(update_fields=["state", "error", "finished_at", "updated_at"])
    log.info(
        "workspace.setup_ended",
        setup_id=setup.pk,
        state=state,
        error=error,
        made=sorted(set(setup.made) & set(BY_KEY)),
    )
