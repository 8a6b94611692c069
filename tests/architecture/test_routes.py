"""Every route of the product, tried by those who may not use it: nobody gets in, and nothing crashes."""

import re
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from tenants.accounts.access import UserActor
from tenants.models import Domain
from tenants.tenancy import TenantRef
from tests.people import signed_in_client

# What strangers are meant to see: the way in, the company's colours, the description of the API.
OPEN = (
    r"account/(sign-in|sign-up|sign-out|inactive|password/reset)/?",
    r"invitations/",
    r"theme/",
    r"api/v1/(schema|docs)",
)
VALUES = {
    "uuid": str(UUID(int=7)),
    "slug": "some-slug",
    "int": "7",
    "str": "something",
    "path": "some/thing",
}


def routes(resolver: Any = None, prefix: str = "") -> Iterator[str]:
    """The pattern of every view, its parts joined."""
    for entry in (resolver or get_resolver()).url_patterns:
        pattern = prefix + str(entry.pattern)
        if isinstance(entry, URLResolver):
            yield from routes(entry, pattern)
        elif isinstance(entry, URLPattern):
            yield pattern


def address_of(pattern: str) -> str:
    """An address the pattern matches, with invented values for its parts."""
    text = re.sub(r"<(?:(\w+):)?\w+>", lambda part: VALUES[part[1] or "str"], pattern)
    text = re.sub(r"\(\?P<\w+>\[0-9A-Za-z\][^)]*\)", "1", text)
    text = re.sub(r"\(\?P<format>[^)]*\)", "json", text)
    text = re.sub(r"\(\?P<\w+>(?:[^()]|\([^()]*\))*\)", VALUES["uuid"], text)
    return "/" + re.sub(r"[\^$\\]|\\Z|/\?", "", text)


def addresses(*, is_open: bool = False) -> list[str]:
    """The addresses of the routes that are open to strangers, or of all the others."""
    found = sorted({address_of(pattern) for pattern in routes()})
    return [each for each in found if any(re.match(f"/{known}", each) for known in OPEN) == is_open]


def assert_shut(client: Client, address: str, **extra: Any) -> None:
    """A stranger is sent to the door by pages, gets 401 from the API, and from neither anything else."""
    for method in ("get", "post"):
        answer = getattr(client, method)(address, **extra)
        if address.startswith("/api/"):
            assert answer.status_code in {401, 403, 404, 405, 415}, (method, address, answer.status_code)
            assert answer["Content-Type"] == "application/problem+json", (method, address)
        else:
            assert answer.status_code in {302, 404}, (method, address, answer.status_code)
            if answer.status_code == 302:
                assert answer["Location"].startswith("/account/sign-in/"), (method, address)


def test_there_are_routes_of_every_kind_to_try() -> None:
    assert len(addresses()) > 10
    assert len(addresses(is_open=True)) > 5


def test_a_stranger_is_sent_to_the_door_by_every_route(stranger: Client) -> None:
    for address in addresses():
        assert_shut(stranger, address)


def test_the_open_routes_tell_a_stranger_nothing_and_do_not_crash(stranger: Client) -> None:
    for address in addresses(is_open=True):
        assert stranger.get(address).status_code in {200, 302, 404, 405}, address


def test_somebody_of_another_company_is_a_stranger_on_every_route(
    host: str, owner: UserActor, other_tenant: TenantRef
) -> None:
    client = signed_in_client(host, owner)
    other_host = Domain.objects.get(tenant_id=other_tenant.id).host
    for address in addresses():
        assert_shut(client, address, headers={"host": other_host})


@pytest.mark.parametrize("method", ["get", "post", "patch", "put", "delete"])
def test_a_guest_changes_nothing_and_crashes_nothing_on_any_route(
    login_as: Any, guest: UserActor, method: str
) -> None:
    client = login_as(guest)
    for address in addresses():
        if method != "get" and address.startswith(("/settings/preferences/", "/account/", "/api/v1/me")):
            continue  # one's own things: every role may change them
        answer = getattr(client, method)(address)
        assert answer.status_code < 500, (method, address, answer.status_code)
        if method != "get":
            assert answer.status_code in {302, 401, 403, 404, 405, 409, 415, 422}, (
                method,
                address,
                answer.status_code,
            )
