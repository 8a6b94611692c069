"""Conflicts: what both sides changed, the three values side by side, and the click that decides."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST, require_safe

from integrations.models import Conflict
from integrations.selectors import visible_connections
from integrations.sync.carrying import RECORD
from integrations.sync.conflicts.selectors import conflict_for, decider_name, visible_conflicts
from integrations.sync.conflicts.services import (
    choose,
    choose_many,
    is_revertible,
    merged_value,
    revert,
    sides_of,
    value_now,
    value_of,
)
from integrations.sync.conflicts.wording import Piece, Wording, differences, field_label
from tenants.accounts.access import UserActor, actor_of, require
from tenants.foundation.console import htmx_of, toast
from tenants.foundation.errors import Conflict as NotNow
from tenants.foundation.errors import InvalidInput
from tenants.foundation.keyset import keyset_page
from tenants.foundation.page_parts import Column, Pages, Segment

PAGE_SIZE: Final = 50
SHOWN: Final = {
    "": (gettext_lazy("Waiting"), [Conflict.State.OPEN]),
    "decided": (gettext_lazy("Decided by the rule"), [Conflict.State.DECIDED]),
    "settled": (gettext_lazy("Settled"), [Conflict.State.SETTLED]),
    "all": (gettext_lazy("All"), list(Conflict.State)),
}
_LABELS: Final = {
    Conflict.Side.LOCAL: (gettext_lazy("Here"), gettext_lazy("Keep what is here"), "house"),
    Conflict.Side.REMOTE: (gettext_lazy("There"), gettext_lazy("Keep what is there"), "cloud"),
    Conflict.Side.BASE: (gettext_lazy("As it was"), gettext_lazy("Go back to how it was"), "history"),
    Conflict.Side.MERGED: (gettext_lazy("Both together"), gettext_lazy("Take both edits"), "git-merge"),
}
_RECORD_LABELS: Final = {
    Conflict.Side.LOCAL: (gettext_lazy("Here"), gettext_lazy("Take the record out of the trash"), "house"),
    Conflict.Side.REMOTE: (gettext_lazy("There"), gettext_lazy("Archive the task"), "trash-2"),
}
_UNREAD: Final = gettext_lazy("Overwritten before anybody here had read it")
_ORDER: Final = (Conflict.Side.BASE, Conflict.Side.LOCAL, Conflict.Side.REMOTE, Conflict.Side.MERGED)


@dataclass(frozen=True, kw_only=True)
class SideCard:
    """One of the values side by side, with the button that takes it."""

    side: str
    label: str
    action: str
    icon: str
    text: str
    pieces: list[Piece]
    changed_at: datetime | None
    is_chosen: bool


@dataclass(frozen=True, kw_only=True)
class Row:
    """One conflict as the list shows it."""

    conflict: Conflict
    field: str
    base: str
    local: str
    remote: str


@login_required
@require_safe
def conflict_list(request: HttpRequest) -> HttpResponse:
    """The conflicts, newest first; those that wait unless others are asked for."""
    return _listed(request, actor_of(request))


@login_required
@require_safe
def conflict(request: HttpRequest, conflict_id: UUID) -> HttpResponse:
    """One conflict with its three values side by side."""
    return _shown(request, actor_of(request), conflict_id)


@login_required
@require_POST
def choose_side(request: HttpRequest, conflict_id: UUID) -> HttpResponse:
    """Settle one conflict."""
    actor = actor_of(request)
    conflict_for(actor=actor, conflict_id=conflict_id)
    try:
        row = choose(
            conflict_id=conflict_id,
            side=request.POST.get("side", ""),
            actor=actor,
            seen_at=_moment(request),
            is_sure=request.POST.get("is_sure") == "yes",
        )
    except (NotNow, InvalidInput) as problem:
        return _shown(request, actor, conflict_id, problem=problem)
    here = HttpResponseRedirect(reverse("integrations:conflict", args=[row.pk]))
    return toast(request, here, _("Decided: %(side)s.") % {"side": row.get_chosen_display()})


@login_required
@require_POST
def take_back(request: HttpRequest, conflict_id: UUID) -> HttpResponse:
    """Take a decision back."""
    actor = actor_of(request)
    conflict_for(actor=actor, conflict_id=conflict_id)
    is_sure = request.POST.get("is_sure") == "yes"
    try:
        row = revert(conflict_id=conflict_id, actor=actor, seen_at=_moment(request), is_sure=is_sure)
    except (NotNow, InvalidInput) as problem:
        return _shown(request, actor, conflict_id, problem=problem)
    here = HttpResponseRedirect(reverse("integrations:conflict", args=[row.pk]))
    return toast(request, here, _("Taken back: %(side)s.") % {"side": row.get_chosen_display()})


@login_required
@require_POST
def choose_together(request: HttpRequest) -> HttpResponse:
    """Take one side in all the conflicts that were selected."""
    actor = actor_of(request)
    ids = [found for text in request.POST.getlist("ids") if (found := _uuid(text)) is not None]
    outcome = choose_many(conflict_ids=ids, side=request.POST.get("side", ""), actor=actor)
    count = len(outcome.settled_ids)
    done = ngettext("%(count)d conflict decided.", "%(count)d conflicts decided.", count) % {"count": count}
    if not outcome.refused:
        return toast(request, HttpResponseRedirect(reverse("integrations:conflicts")), done)
    return _listed(
        request, actor, done=done if count else "", refused=[item.message for item in outcome.refused]
    )


def _listed(
    request: HttpRequest, actor: UserActor, *, done: str = "", refused: list[str] | None = None
) -> HttpResponse:
    require(actor, "integrations.sync")
    shown = request.GET.get("state", "")
    shown = shown if shown in SHOWN else ""
    connections = list(visible_connections(actor=actor))
    chosen = next((item for item in connections if str(item.pk) == request.GET.get("workspace")), None)
    rows = visible_conflicts(actor=actor).filter(state__in=SHOWN[shown][1])
    if chosen is not None:
        rows = rows.filter(connection=chosen)
    page = keyset_page(
        rows, sort="-id", sorts={"id": "id"}, cursor=request.GET.get("cursor") or None, size=PAGE_SIZE
    )
    wording = Wording.of(page.rows)
    workspace = str(chosen.pk) if chosen else ""
    context = {
        "rows": [_row(item, wording) for item in page.rows],
        "columns": [
            Column(label=_("Task")),
            Column(label=_("Field")),
            Column(label=_("As it was"), is_wide_only=True),
            Column(label=_("Here")),
            Column(label=_("There")),
            *([Column(label=_("State"), is_wide_only=True)] if shown else []),
            Column(label=_("Found"), is_wide_only=True),
        ],
        "views": [
            Segment(label=str(label), url=_address(key, workspace), is_current=key == shown)
            for key, (label, _states) in SHOWN.items()
        ],
        "connections": connections,
        "chosen": chosen,
        "shown": shown,
        "may_choose": shown in {"", "decided"},
        "done": done,
        "refused": refused or [],
        "pages": Pages(
            previous_url=_address(shown, workspace, page.previous_cursor) if page.previous_cursor else "",
            next_url=_address(shown, workspace, page.next_cursor) if page.next_cursor else "",
        ),
    }
    part = "#results" if htmx_of(request) and request.method == "GET" else ""
    return render(request, f"integrations/conflict_list.html{part}", context, status=409 if refused else 200)


def _shown(
    request: HttpRequest,
    actor: UserActor,
    conflict_id: UUID,
    *,
    problem: NotNow | InvalidInput | None = None,
) -> HttpResponse:
    require(actor, "integrations.sync")
    row = conflict_for(actor=actor, conflict_id=conflict_id)
    context = conflict_context(row) | {
        "problem": problem.message if problem is not None else "",
        "has_moved": problem is not None and problem.code == "integrations.conflict_moved_on",
    }
    status = 200 if problem is None else 409 if isinstance(problem, NotNow) else 422
    return render(request, "integrations/conflict.html", context, status=status)


def conflict_context(row: Conflict) -> dict[str, Any]:
    """What the page of a conflict shows."""
    now = value_now(row)
    wording = Wording.of([row], (row.our_field, now))
    expected = row.local if row.state == Conflict.State.OPEN or not row.chosen else value_of(row, row.chosen)
    is_record = row.our_field == RECORD
    return {
        "conflict": row,
        "task": row.task,
        "field": field_label(row.our_field),
        "cards": [
            _card(row, side, wording)
            for side in _ORDER
            if side in {*sides_of(row), Conflict.Side.BASE, Conflict.Side.REMOTE}
        ]
        if not is_record
        else [_card(row, side, wording) for side in sides_of(row)],
        "choosable": sides_of(row),
        "is_open": row.state == Conflict.State.OPEN,
        "is_settled": row.state == Conflict.State.SETTLED,
        "may_revert": is_revertible(row),
        "now": wording.text(row.our_field, now) if not is_record and now != expected else None,
        "decider": decider_name(row) if row.state != Conflict.State.OPEN else "",
    }


def _card(row: Conflict, side: str, wording: Wording) -> SideCard:
    labels = _RECORD_LABELS if row.our_field == RECORD else _LABELS
    label, act, icon = labels[Conflict.Side(side)]
    value = merged_value(row) if side == Conflict.Side.MERGED else value_of(row, side)
    is_known = side != Conflict.Side.REMOTE or row.is_remote_known
    text = wording.text(row.our_field, value) if is_known else str(_UNREAD)
    before = wording.text(row.our_field, row.base)
    is_compared = is_known and side != Conflict.Side.BASE and bool(before) and row.our_field != RECORD
    changed = {Conflict.Side.LOCAL: row.local_changed_at, Conflict.Side.REMOTE: row.remote_changed_at}
    return SideCard(
        side=side,
        label=str(label),
        action=str(act),
        icon=icon,
        text=text,
        pieces=differences(before, text) if is_compared and text else [("same", text)] if text else [],
        changed_at=changed.get(Conflict.Side(side)),
        is_chosen=row.chosen == side,
    )


def _row(row: Conflict, wording: Wording) -> Row:
    return Row(
        conflict=row,
        field=field_label(row.our_field),
        base=wording.text(row.our_field, row.base),
        local=wording.text(row.our_field, row.local),
        remote=wording.text(row.our_field, row.remote) if row.is_remote_known else str(_UNREAD),
    )


def _moment(request: HttpRequest) -> datetime | None:
    try:
        return parse_datetime(request.POST.get("seen_at", ""))
    except ValueError:
        return None


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _address(shown: str, workspace: str, cursor: str | None = None) -> str:
    pairs = {"state": shown, "workspace": workspace, "cursor": cursor or ""}
    query = "&".join(f"{name}={value}" for name, value in pairs.items() if value)
    return reverse("integrations:conflicts") + (f"?{query}" if query else "")
