"""Every address of a route with a filled company's ids in it, and asking there."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.test import Client
from django.urls import NoReverseMatch, reverse

from tests.architecture.canary import Canary
from tests.architecture.routes import ROUTES, Route

# Arguments that name nothing a company has: a word of ours, a mark of a file, a secret that was handed out once.
NO_IDS = {
    "version": ["1"],
    "kind": ["md", "json", "invitation"],
    "status": ["planned"],
    "facet": ["status"],
    "digest": ["none"],
    "size": ["full"],
    "slot": ["light"],
    "token": [],
    "slug": [],
    "uidb36": [],
}
# How many ids of other kinds a route is tried with; the next route gets the next ones.
OTHERS = 6


def words_for(name: str, route: Route, canary: Canary) -> list[str]:
    """What the other company has that could stand for this argument."""
    task, project, user = (
        canary.rows["tasks.Task"],
        canary.rows["tasks.Project"],
        canary.rows["accounts.User"],
    )
    if name == "key" and not route.name.startswith("account_"):
        return [task.key, project.key, str(task.pk)]  # type: ignore[attr-defined]
    if name == "uidb36":
        return [user.pk.hex]
    if name == "slug":
        return [canary.tenant.slug]
    if name in ("token", "key"):
        return [canary.rows["accounts.ApiToken"].public_id.strip().replace(" ", "")]  # type: ignore[attr-defined]
    return NO_IDS.get(name) or [str(pk) for pk in ids_for(name, route, canary.ids)]


def ids_for(name: str, route: Route, ids: dict[str, UUID]) -> list[UUID]:
    """The ids of the rows this argument could mean and a few of others, in turn; of all where the names do not say.

    Every id at every route would be tens of thousands of requests, and an id of another kind is nobody's at home too.
    """
    said, stem = _letters(route.name), _letters(name.removesuffix("id"))
    kinds = {label: _letters(label.partition(".")[2]) for label in ids}
    meant = [label for label, kind in kinds.items() if kind in said or (stem and stem in kind)]
    if not meant:
        return list(ids.values())
    others = [label for label in ids if label not in meant]
    first = ROUTES.index(route) * OTHERS % len(others)
    return [ids[label] for label in [*meant, *(others + others)[first : first + OTHERS]]]


def _letters(text: str) -> str:
    return "".join(part for part in text.lower() if part.isalpha())


def addresses(route: Route, canary: Canary) -> Iterator[str]:
    """Every address of a route with the company's ids in it."""
    words = {name: words_for(name, route, canary) for name in route.arguments}
    for number in range(max((len(found) for found in words.values()), default=1)):
        chosen = {name: found[number % len(found)] for name, found in words.items()}
        try:
            yield reverse(route.name, kwargs=chosen)
        except NoReverseMatch:
            continue


def send(client: Client, route: Route, method: str, address: str, body: Any = None) -> Any:
    options: dict[str, Any] = {} if body is None else {"data": body}
    if route.door == "api":
        options["content_type"] = "application/json"
    answer = getattr(client, method.lower())(address, **options)
    content = b"".join(answer.streaming_content) if answer.streaming else answer.content
    return answer, f"{answer.headers} {content.decode(errors='replace')}"


def names_something(route: Route) -> bool:
    """Whether an argument of the route is the id or key of a company's row."""
    return bool(set(route.arguments) - set(NO_IDS)) and not route.name.startswith("account_")
