"""Who asks, in which language, at what time of day; and strangers stay outside."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from django.utils import timezone, translation

from tenants.accounts.access import Role, UserActor
from tenants.accounts.middleware import ActorMiddleware, LocaleMiddleware, SignInRequiredMiddleware
from tenants.accounts.models import User


def run(middleware: Any, request: HttpRequest, view: Callable[[], Any]) -> Any:
    seen: list[Any] = []

    def behind(_: HttpRequest) -> HttpResponse:
        seen.append(view())
        return HttpResponse()

    middleware(behind)(request)
    return seen[0]


def request_of(user: Any, **tenant: str) -> HttpRequest:
    request: Any = RequestFactory().get("/tasks/", headers={"accept-language": "es,en;q=0.5"})
    request.user = request._cached_user = user
    request.tenant = (
        SimpleNamespace(language="", time_zone="", **tenant) if not tenant else SimpleNamespace(**tenant)
    )
    return request  # type: ignore[no-any-return]


def test_a_signed_in_user_becomes_an_actor_with_roles(manager: UserActor) -> None:
    request: Any = request_of(manager.user)
    run(ActorMiddleware, request, lambda: None)
    assert request.actor == UserActor(user=manager.user, roles=frozenset({Role.MANAGER}))


def test_what_a_known_person_is_answered_is_kept_by_their_own_browser_only(manager: UserActor) -> None:
    def view(_: HttpRequest) -> HttpResponse:
        return HttpResponse()

    def own_words(_: HttpRequest) -> HttpResponse:
        return HttpResponse(headers={"Cache-Control": "no-store"})

    known, stranger = request_of(manager.user), request_of(AnonymousUser())
    assert ActorMiddleware(view)(known)["Cache-Control"] == "private, no-cache"
    assert ActorMiddleware(own_words)(known)["Cache-Control"] == "no-store"
    assert "Cache-Control" not in ActorMiddleware(view)(stranger)


def test_a_stranger_has_no_actor_and_costs_no_query() -> None:
    request: Any = request_of(AnonymousUser())
    run(ActorMiddleware, request, lambda: None)
    assert request.actor is None


@pytest.mark.parametrize(
    ("own", "company", "language"), [("de", "es", "de"), ("", "de", "de"), ("", "", "es"), ("xx", "de", "de")]
)
def test_the_language_is_the_persons_then_the_companys_then_the_browsers(
    own: str, company: str, language: str
) -> None:
    user = User(email="x@x.example", name="X", language=own)
    request = request_of(user, language=company, time_zone="")
    assert run(LocaleMiddleware, request, translation.get_language) == language


@pytest.mark.parametrize(
    ("own", "company", "zone"),
    [
        ("Asia/Tokyo", "Europe/Berlin", "Asia/Tokyo"),
        ("", "Europe/Berlin", "Europe/Berlin"),
        ("Nowhere/Town", "", "UTC"),
    ],
)
def test_the_time_zone_goes_the_same_way(own: str, company: str, zone: str) -> None:
    user = User(email="x@x.example", name="X", time_zone=own)
    request = request_of(user, language="", time_zone=company)
    assert run(LocaleMiddleware, request, timezone.get_current_timezone_name) == zone


def test_the_language_does_not_stay_for_the_next_request() -> None:
    before = translation.get_language()
    run(LocaleMiddleware, request_of(User(email="x@x.example", language="de")), lambda: None)
    assert translation.get_language() == before


def page(request: HttpRequest) -> HttpResponse:
    return HttpResponse("inside")


def test_a_page_that_says_nothing_about_it_is_closed_to_strangers() -> None:
    middleware = SignInRequiredMiddleware(page)
    request = request_of(AnonymousUser())
    answer = middleware.process_view(request, page, (), {})
    assert answer is not None
    assert answer.status_code == 302
    assert answer["Location"].startswith("/account/sign-in/?next=")
    assert (
        middleware.process_view(request, login_not_required(lambda request: HttpResponse()), (), {}) is None
    )


def test_the_api_answers_strangers_itself(stranger: Client) -> None:
    answer = stranger.get("/api/v1/me/")
    assert (answer.status_code, answer["Content-Type"]) == (401, "application/problem+json")
