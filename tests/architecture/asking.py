"""Asking a route as its door wants it, and reading from the answer whether somebody got in."""

import uuid
from collections.abc import Callable, Iterator
from typing import Any

from django.db import transaction
from django.test import Client
from django.urls import reverse

from tenants.tenancy import atomic
from tenants.tenancy.transactions import current_alias
from tests.architecture.routes import CASES, Route
from tests.architecture.things import Things

# What has to be well formed before a route looks at whom or what it is about.
BODIES = {
    "integrations:workspace_act": {"action": "pause"},
    "connection-token": {"token": "ntn_nobody"},
    "support-access-approve": {"role": "read_only", "minutes": 30},
    "user-role": {"role": "member"},
    "service-account-tokens": {"name": "Nobody's", "scopes": ["accounts.view_users"]},
}
# Statuses that say "not you": a page or problem that denies, or that there is no such thing for this person.
DENIED = {401, 403, 404}


def address_of(route: Route, things: Things) -> str:
    """The route's address with these things in it."""
    arguments = things.arguments_for(route)
    if route.name == "account_reset_password_from_key":
        arguments["key"] = "none"
    return reverse(route.name, kwargs=arguments)


def ask(client: Client, route: Route, method: str, things: Things) -> Any:
    """Send the request as its door wants it: JSON to the API, a form to the console."""
    address = address_of(route, things)
    options: dict[str, Any] = {"content_type": "application/json"} if route.door == "api" else {}
    if route.door == "api" and method == "POST":
        options["headers"] = {"Idempotency-Key": str(uuid.uuid4())}
    if route.name in BODIES:
        options["data"] = BODIES[route.name]
    answer = getattr(client, method.lower())(address, **options)
    if answer.streaming:
        b"".join(answer.streaming_content)
    return answer


def is_sent_to_sign_in(response: Any) -> bool:
    return response.status_code == 302 and "/account/sign-in/" in response.headers.get("Location", "")


def answers(
    client: Client, things: Things, *, only: Callable[[Route, str], bool] = lambda _route, _method: True
) -> Iterator[tuple[Route, str, str, Any]]:
    """(route, method, lowest role, answer) of every case; what a request changed is undone before the next."""
    for route, method in CASES:
        if not only(route, method):
            continue
        cookies = {name: morsel.value for name, morsel in client.cookies.items()}
        with atomic():
            answer = ask(client, route, method, things)
            transaction.set_rollback(True, using=current_alias())
        client.cookies.load(cookies)  # signing out is undone too
        yield route, method, route.methods[method], answer


def is_turned_away(route: Route, answer: Any) -> bool:
    """Whether a stranger was told to sign in, the way the door says it."""
    if route.door == "api":
        return bool(
            answer.status_code == 401
            and answer.headers["Content-Type"].startswith("application/problem+json")
        )
    return is_sent_to_sign_in(answer)
