"""The list of tasks: filters in the address, sort, search, keyset pages, changes on many at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import conditional_page, require_GET, require_POST

from tasks.console.cards import cards_of
from tasks.console.chips import FACETS, address, chips_for, sort_links, sort_word
from tasks.console.requests import filters_in, ids_in, query_of, way_back
from tasks.console.undoing import Undo, offer_undo
from tasks.drafts import TaskChanges
from tasks.filters import NATURAL_ORDER, PRIORITY_NAMES, Sort, TaskFilters
from tasks.models import Task
from tasks.selectors import count_up_to, filtered_tasks, nameable_people, task_page
from tasks.services import archive_tasks, edit_tasks
from tenants.accounts.access import UserActor, actor_of, can_somewhere, require_somewhere
from tenants.foundation.console import htmx_of, toast
from tenants.foundation.errors import InvalidInput
from tenants.foundation.page_parts import Column, Pages, Segment

PAGE_SIZE: Final = 50


def frame(filters: TaskFilters, actor: UserActor, view: str) -> dict[str, Any]:
    """What list and board share: chips, orders, views, what the actor may do."""
    base_url = reverse(f"tasks:{view}")
    return {
        "filters": filters,
        "view": view,
        "base_url": base_url,
        "here": address(base_url, filters),
        "query": filters.query_string(),
        "pairs": filters.pairs(),
        "chips": chips_for(filters, base_url),
        "facets": [(name, str(word)) for name, (word, _fields) in FACETS.items()],
        "clear_url": address(base_url, TaskFilters(order=filters.order)),
        "sorts": sort_links(filters, base_url),
        "sort_word": sort_word(filters.order),
        "views": [
            Segment(
                label=_("Board"),
                url=address(reverse("tasks:board"), filters),
                icon="square-kanban",
                is_current=view == "board",
            ),
            Segment(
                label=_("List"),
                url=address(reverse("tasks:list"), filters),
                icon="list",
                is_current=view == "list",
            ),
        ],
        "statuses": Task.Status,
        "priorities": [(name, Task.Priority(value).label, value) for name, value in PRIORITY_NAMES.items()],
        "may_create": can_somewhere(actor, "tasks.create"),
        "may_edit": can_somewhere(actor, "tasks.edit"),
        "may_archive": can_somewhere(actor, "tasks.archive"),
    }


@login_required
@require_GET
@conditional_page
def task_list(request: HttpRequest) -> HttpResponse:
    """The list; htmx gets the part it asked for. Raises: InvalidInput (a filter, the cursor), Forbidden."""
    actor = actor_of(request)
    require_somewhere(actor, "tasks.view")
    context = list_context(actor, filters_in(request.GET), request.GET.get("cursor", ""))
    return render(request, template_for(request, "tasks/task_list.html"), context)


def list_context(actor: UserActor, filters: TaskFilters, cursor: str) -> dict[str, Any]:
    """All the list's page shows."""
    page = task_page(actor=actor, filters=filters, cursor=cursor or None, size=PAGE_SIZE)
    count = count_up_to(filtered_tasks(actor=actor, filters=filters))
    base_url = reverse("tasks:list")
    return {
        **frame(filters, actor, "list"),
        "here": address(base_url, filters, cursor=cursor),
        "rows_url": address(base_url, filters, cursor=cursor, part="rows"),
        "cards": cards_of(page.rows, today=timezone.localdate()),
        "columns": _columns(filters, base_url),
        "pages": Pages(
            previous_url=_page_url(base_url, filters, page.previous_cursor),
            next_url=_page_url(base_url, filters, page.next_cursor),
            summary=ngettext("%(shown)s task", "%(shown)s tasks", count.number) % {"shown": count},
        ),
    }


def _page_url(base_url: str, filters: TaskFilters, cursor: str | None) -> str:
    return address(base_url, filters, cursor=cursor) if cursor else ""


def template_for(request: HttpRequest, page: str) -> str:
    """The page, or for htmx the part of it that was asked for: its rows (`part=rows`) or all below the frame."""
    if not htmx_of(request):
        return page
    return f"{page}#rows" if request.GET.get("part") == "rows" else f"{page}#region"


def _columns(filters: TaskFilters, base_url: str) -> list[Column]:
    def column(label: str, sort: Sort | None = None, *, is_wide_only: bool = False) -> Column:
        if sort is None:
            return Column(label=label, is_wide_only=is_wide_only)
        is_current = filters.order.by is sort
        order = filters.order.reversed() if is_current else NATURAL_ORDER[sort]
        return Column(
            label=label,
            sort_url=address(base_url, filters.but(order=order)),
            direction=("descending" if filters.order.is_descending else "ascending") if is_current else "",
            is_wide_only=is_wide_only,
        )

    return [
        column(_("Task"), Sort.TITLE),
        column(_("Status")),
        column(_("Department"), is_wide_only=True),
        column(_("Priority"), Sort.PRIORITY, is_wide_only=True),
        column(_("Due"), Sort.DUE),
        column(_("Owner"), is_wide_only=True),
        column(_("Updated"), Sort.UPDATED, is_wide_only=True),
    ]


@login_required
@require_POST
def change_many(request: HttpRequest) -> HttpResponse:
    """Do one thing to the ticked tasks, and offer to undo it. Raises: InvalidInput, Forbidden, Conflict."""
    actor = actor_of(request)
    require_somewhere(actor, "tasks.edit")
    ids = ids_in(request.POST.getlist("ids"))
    kind, _colon, value = request.POST.get("action", "").partition(":")
    if not ids:
        raise InvalidInput(_("Tick at least one task."), code="tasks.nothing_chosen")
    tasks = list(Task.objects.filter(pk__in=ids).prefetch_related("assignees").defer("description"))
    undo = Undo.before(tasks, kind)
    if kind == "archive":
        done = archive_tasks(ids=ids, actor=actor)
        text = ngettext("%(count)s task archived", "%(count)s tasks archived", len(done)) % {
            "count": len(done)
        }
    else:
        edit_tasks(ids=ids, changes=_changes(kind, value), actor=actor)
        text = ngettext("%(count)s task changed", "%(count)s tasks changed", len(ids)) % {"count": len(ids)}
    undo_url = offer_undo(undo, actor=actor)
    back = way_back(request)
    if not htmx_of(request):
        return toast(request, HttpResponseRedirect(back), text, undo_url=undo_url)
    query = query_of(back)
    context = list_context(actor, filters_in(query), query.get("cursor", ""))
    return toast(request, render(request, "tasks/task_list.html#region", context), text, undo_url=undo_url)


def _changes(kind: str, value: str) -> TaskChanges:
    """What a button of the bulk bar means. Raises: InvalidInput."""
    makers: Mapping[str, Any] = {
        "status": lambda: TaskChanges(status=value),
        "priority": lambda: TaskChanges(priority=PRIORITY_NAMES[value]),
        "assign": lambda: TaskChanges(assignee_ids=() if value == "nobody" else (UUID(value),)),
    }
    try:
        changes: TaskChanges = makers[kind]()
    except (KeyError, ValueError):
        raise InvalidInput(_("There is no such action."), fields={"action": [_("Not known.")]}) from None
    return changes


@login_required
@require_GET
def people(request: HttpRequest) -> HttpResponse:
    """The people ticked tasks can be given to, as buttons; `q` narrows them. Raises: Forbidden."""
    actor = actor_of(request)
    require_somewhere(actor, "tasks.edit")
    words = " ".join(request.GET.get("q", "").split())[:100]
    found = nameable_people(actor=actor)
    if words:
        found = found.filter(name__icontains=words)
    return render(request, "tasks/people.html", {"people": list(found[:30]), "words": words})
