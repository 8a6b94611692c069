"""What the views of this door take out of a request: the actor, the filters, where to go back to."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest, QueryDict
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

from tasks.filters import TaskFilters

VIEWS = {"list": "tasks:list", "board": "tasks:board"}


def filters_in(query: QueryDict) -> TaskFilters:
    """The filters of a page's address; other parameters are the page's own. Raises: InvalidInput."""
    return TaskFilters.parse(dict(query.lists()))


def way_back(request: HttpRequest) -> str:
    """The page a form was sent from, as it says in `next`: an address of this host only, else the list."""
    target = request.POST.get("next", "")
    if url_has_allowed_host_and_scheme(target, allowed_hosts={request.get_host()}):
        return target
    return reverse("tasks:list")


def query_of(address: str) -> QueryDict:
    """The query string of an address."""
    return QueryDict(address.partition("?")[2])


def ids_in(values: list[str]) -> list[UUID]:
    """Ids out of a form; what is none is left out."""
    ids: list[UUID] = []
    for value in values:
        try:
            ids.append(UUID(value))
        except ValueError:
            continue
    return ids
