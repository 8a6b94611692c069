"""What a run has changed, or would change, in words; and the buttons that decide about it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.text import Truncator
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from integrations.models import SyncChange, SyncedCollection, SyncRun
from integrations.selectors import sync_run_for
from integrations.sync.conflicts.wording import Wording, field_label, pairs_of, values_of
from integrations.sync.safety.deciding import approve_run, refuse_run
from integrations.sync.safety.rehearsal import MOST_SHOWN, planned_names, planned_numbers
from integrations.sync.safety.undo import start_undo, undoable_changes
from tasks.models import Task
from tenants.accounts.access import actor_of, require
from tenants.foundation.console import toast
from tenants.foundation.keyset import keyset_page
from tenants.foundation.page_parts import Pages, Tone

PAGE_SIZE: Final = 20
_LONGEST_VALUE: Final = 80
_TONES: Final[dict[str, Tone]] = {"created": "ok", "updated": "info", "archived": "warn", "restored": "ok"}


@dataclass(frozen=True, kw_only=True)
class ValueLine:
    """One field of a change: what it was and what it is, or would be."""

    label: str
    before: str
    after: str


@dataclass(frozen=True, kw_only=True)
class ChangeRow:
    """One changed record as the run's page shows it; `url` is empty where there is no task yet."""

    change: SyncChange
    title: str
    url: str
    tone: Tone
    where: str
    values: list[ValueLine]


@dataclass(frozen=True, kw_only=True)
class PlanLine:
    """How many records of one database would meet the same fate."""

    database: str
    where: str
    what: str
    tone: Tone


def changes_context(run: SyncRun, cursor: str | None) -> dict[str, Any]:
    """The changes of a run a page at a time, and the numbers of its plan."""
    page = keyset_page(
        SyncChange.objects.filter(run=run), sort="id", sorts={"id": "id"}, cursor=cursor, size=PAGE_SIZE
    )
    here = reverse("integrations:sync_run", args=[run.pk])
    return {
        "changes": change_rows(page.rows, run),
        "change_pages": Pages(
            previous_url=f"{here}?cursor={page.previous_cursor}#changes" if page.previous_cursor else "",
            next_url=f"{here}?cursor={page.next_cursor}#changes" if page.next_cursor else "",
        ),
        "plan_lines": plan_lines(run),
        "is_plan": run.kind == SyncRun.Kind.DRY_RUN or bool(run.held_for),
        "most_shown": MOST_SHOWN,
        "can_undo": not run.is_open and run.kind != SyncRun.Kind.DRY_RUN and undoable_changes(run).exists(),
    }


def change_rows(changes: Sequence[SyncChange], run: SyncRun) -> list[ChangeRow]:
    """Changes of a run in words; three statements at most."""
    wording = Wording.of((), *values_of(changes)).besides(planned_names(run))
    known = Task.objects.filter(pk__in=[item.task_id for item in changes if item.task_id])
    keys = dict(known.values_list("pk", "key"))
    return [
        ChangeRow(
            change=change,
            title=change.title or _("Untitled"),
            url=_task_url(keys, change),
            tone=_TONES[change.action],
            where=_("in Notion") if change.side == SyncChange.Side.THERE else _("here"),
            values=[
                ValueLine(
                    label=field_label(name),
                    before=_short(wording.text(name, before)),
                    after=_short(wording.text(name, after)),
                )
                for name, before, after in pairs_of(change)
                if change.action != SyncChange.Action.CREATED or name != "title"
            ],
        )
        for change in changes
    ]


def plan_lines(run: SyncRun) -> list[PlanLine]:
    """What a plan comes to, database by database, as sentences."""
    numbers = planned_numbers(run)
    titles = dict(
        SyncedCollection.objects.filter(pk__in={key[0] for key in numbers}).values_list("pk", "title")
    )
    return [
        PlanLine(
            database=titles.get(collection_id, ""),
            where=_("in Notion") if side == SyncChange.Side.THERE else _("here"),
            what=_what(action, count),
            tone=_TONES[action],
        )
        for (collection_id, side, action), count in sorted(numbers.items(), key=lambda item: str(item[0]))
    ]


def _what(action: str, count: int) -> str:
    words = {
        "created": ngettext("%(count)d would be new", "%(count)d would be new", count),
        "updated": ngettext("%(count)d would change", "%(count)d would change", count),
        "archived": ngettext("%(count)d would be archived", "%(count)d would be archived", count),
        "restored": ngettext("%(count)d would be restored", "%(count)d would be restored", count),
    }
    return words[action] % {"count": count}


def _task_url(keys: dict[UUID, str], change: SyncChange) -> str:
    key = keys.get(change.task_id) if change.task_id else None
    return reverse("tasks:detail", args=[key]) if key else ""


def _short(text: str) -> str:
    return Truncator(text).chars(_LONGEST_VALUE)


@login_required
@require_POST
def decide(request: HttpRequest, run_id: UUID) -> HttpResponse:
    """Let a held run go on, or have nothing of it written."""
    actor = actor_of(request)
    require(actor, "integrations.sync")
    run = sync_run_for(actor=actor, run_id=run_id)
    decision = request.POST.get("decision", "")
    if decision == "approve":
        approve_run(run=run, actor=actor)
        text = _("The run goes on.")
    elif decision == "refuse":
        refuse_run(run=run, actor=actor)
        is_push = run.kind == SyncRun.Kind.PUSH
        text = _("Nothing was sent.") if is_push else _("Nothing was written. The workspace is paused.")
    else:
        return HttpResponse(status=400)
    return toast(request, HttpResponseRedirect(reverse("integrations:sync_run", args=[run.pk])), text)


@login_required
@require_POST
def undo(request: HttpRequest, run_id: UUID) -> HttpResponse:
    """Take back what a run has changed."""
    actor = actor_of(request)
    started = start_undo(run=sync_run_for(actor=actor, run_id=run_id), actor=actor)
    return HttpResponseRedirect(reverse("integrations:sync_run", args=[started.pk]))
