"""One filter's popover: the values there are, ticked ones first, as a form that needs no script."""

from __future__ import annotations

from typing import Final

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET

from tasks.console.chips import ARCHIVED_WORDS, DUE_WORDS, FACETS
from tasks.console.requests import VIEWS, filters_in
from tasks.facets import FACETS as COUNTED
from tasks.facets import FacetOption, facet_options
from tasks.filters import Archived, Due, TaskFilters
from tenants.accounts.access import UserActor, actor_of, require_somewhere
from tenants.foundation.console import htmx_of
from tenants.foundation.errors import NotFound

# Facets of which one value holds at a time.
SINGLE: Final = frozenset({"due", "archived", "completed"})
# Facets with so many values that they are searched, not only listed.
SEARCHED: Final = frozenset({"assignee", "project", "tag"})


@login_required
@require_GET
def options(request: HttpRequest, facet: str) -> HttpResponse:
    """The form of one filter, the others kept as they are. Raises: NotFound, InvalidInput, Forbidden."""
    actor = actor_of(request)
    require_somewhere(actor, "tasks.view")
    if facet not in FACETS:
        raise NotFound
    filters = filters_in(request.GET)
    word, fields = FACETS[facet]
    words = " ".join(request.GET.get("words", "").split())[:100]
    own = {facet} | ({f"{facet}_before", f"{facet}_after"} if facet in SINGLE else set())
    view = request.GET.get("view", "")
    before, after = (fields[-2], fields[-1]) if facet in {"due", "completed"} else ("", "")
    context = {
        "facet": facet,
        "label": str(word),
        "options": _options(actor, filters, facet, words),
        "kept": [pair for pair in filters.pairs() if pair[0] not in own],
        "query": filters.query_string(view=view),
        "view": view,
        "base_url": reverse(VIEWS.get(view, VIEWS["list"])),
        "is_single": facet in SINGLE,
        "is_searched": facet in SEARCHED,
        "has_dates": bool(before),
        "before": getattr(filters, before) if before else None,
        "after": getattr(filters, after) if after else None,
        "words": words,
    }
    part = ""
    if htmx_of(request):
        part = "#choices" if "words" in request.GET else "#form"
    return render(request, f"tasks/filter_options.html{part}", context)


def _options(actor: UserActor, filters: TaskFilters, facet: str, words: str) -> list[FacetOption]:
    if facet in COUNTED:
        return facet_options(actor=actor, filters=filters, facet=facet, words=words)
    match facet:
        case "due":
            return [
                FacetOption(value=due, label=str(DUE_WORDS[due]), is_selected=filters.due is due)
                for due in Due
            ]
        case "archived":
            return [
                FacetOption(
                    value=which, label=str(ARCHIVED_WORDS[which]), is_selected=filters.archived is which
                )
                for which in Archived
            ]
        case _:
            return []
