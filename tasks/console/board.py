"""The board: a column a status, cards that move by drag, menu or form, more cards a column at a time."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import conditional_page, require_GET, require_POST

from tasks.board import board_columns, column_page
from tasks.console.cards import Card, cards_of
from tasks.console.chips import address
from tasks.console.requests import filters_in, way_back
from tasks.console.tasks import frame, template_for
from tasks.console.undoing import Undo, offer_undo
from tasks.filters import TaskFilters
from tasks.models import Task
from tasks.selectors import open_blockers_of, visible_task
from tasks.services import move_task
from tenants.accounts.access import UserActor, actor_of, require_somewhere
from tenants.foundation.console import htmx_of, toast
from tenants.foundation.errors import NotFound


@dataclass(frozen=True, kw_only=True)
class ShownColumn:
    """A column as the template draws it; the addresses lead to its next cards and to its whole list."""

    status: Task.Status
    count: int
    cards: list[Card]
    more_url: str
    list_url: str
    new_url: str


@login_required
@require_GET
@conditional_page
def board(request: HttpRequest) -> HttpResponse:
    """The board; htmx gets its region. Raises: InvalidInput (a filter), Forbidden."""
    actor = actor_of(request)
    require_somewhere(actor, "tasks.view")
    filters = filters_in(request.GET)
    context = {
        **frame(filters, actor, "board"),
        "rows_url": address(reverse("tasks:board"), filters, part="rows"),
        "columns": shown_columns(actor, filters),
    }
    return render(request, template_for(request, "tasks/task_board.html"), context)


def shown_columns(actor: UserActor, filters: TaskFilters) -> list[ShownColumn]:
    """The columns with their cards: five queries, plus the permission's."""
    columns = board_columns(actor=actor, filters=filters)
    blockers = open_blockers_of([task.pk for column in columns for task in column.tasks])
    today = timezone.localdate()
    return [
        ShownColumn(
            status=column.status,
            count=column.count,
            cards=cards_of(column.tasks, today=today, blockers=blockers),
            more_url=_more_url(column.status, filters, column.next_cursor),
            list_url=address(reverse("tasks:list"), filters.but(statuses=(str(column.status),))),
            new_url=f"{reverse('tasks:new')}?status={column.status}",
        )
        for column in columns
    ]


def _more_url(status: Task.Status, filters: TaskFilters, cursor: str | None) -> str:
    if not cursor:
        return ""
    return address(reverse("tasks:column", args=[status]), filters.without("statuses"), cursor=cursor)


@login_required
@require_GET
def column(request: HttpRequest, status: str) -> HttpResponse:
    """More cards of one column; without htmx that status as a list. Raises: NotFound, InvalidInput."""
    actor = actor_of(request)
    require_somewhere(actor, "tasks.view")
    if status not in Task.Status.values:
        raise NotFound
    filters = filters_in(request.GET)
    if not htmx_of(request):
        return HttpResponseRedirect(address(reverse("tasks:list"), filters.but(statuses=(status,))))
    chosen = Task.Status(status)
    page = column_page(actor=actor, filters=filters, status=chosen, cursor=request.GET.get("cursor", ""))
    blockers = open_blockers_of([task.pk for task in page.rows])
    context = {
        **frame(filters, actor, "board"),
        "cards": cards_of(page.rows, today=timezone.localdate(), blockers=blockers),
        "more_url": _more_url(chosen, filters, page.next_cursor),
        "list_url": address(reverse("tasks:list"), filters.but(statuses=(status,))),
    }
    return render(request, "tasks/task_board.html#cards", context)


@login_required
@require_POST
def move(request: HttpRequest, key: str) -> HttpResponse:
    """Move one task. Raises: NotFound, InvalidInput, Forbidden, Conflict (an open blocker)."""
    actor = actor_of(request)
    task = visible_task(actor=actor, key=key)
    undo = Undo.before([task], "status")
    moved = move_task(task=task, status=request.POST.get("status", ""), actor=actor)
    text = _("%(key)s moved to %(status)s") % {"key": moved.key, "status": Task.Status(moved.status).label}
    answer = HttpResponse(status=204) if htmx_of(request) else HttpResponseRedirect(way_back(request))
    return toast(request, answer, text, undo_url=offer_undo(undo, actor=actor))
