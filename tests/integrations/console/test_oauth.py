"""Off to Notion and back: what is believed, what is refused, and that people end where they began."""

from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit
from uuid import UUID, uuid4

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from integrations.models import Connection
from tenants.accounts.access import UserActor
from tenants.models import Domain, Tenant
from tenants.tenancy import TenantRef, atomic
from tenants.tenancy.directory import directory
from tests.fakes.oauth_endpoint import CLIENT_ID, OAuthEndpoint, workspace

CALLBACK = "/oauth/notion/callback"


def text(response: object) -> str:
    return response.content.decode()  # type: ignore[attr-defined,no-any-return]


def leave(console: Client, connection_id: UUID | None = None) -> dict[str, str]:
    """What the browser carries to Notion."""
    address = reverse("integrations:oauth_reauthorise", args=[connection_id]) if connection_id else None
    response = console.get(address or reverse("integrations:oauth_start"))
    assert response.status_code == 302
    parts = urlsplit(response["Location"])
    assert parts.path == "/v1/oauth/authorize"
    return {name: values[0] for name, values in parse_qs(parts.query).items()}


def come_back(console: Client, **query: str) -> object:
    return console.get(CALLBACK, query)


def test_without_a_registered_integration_no_page_offers_it(console: Client) -> None:
    assert "Continue with Notion" not in text(console.get(reverse("integrations:connect")))
    assert console.get(reverse("integrations:oauth_start")).status_code == 404


def test_the_address_people_are_sent_to_names_us_and_one_fixed_way_back(
    console: Client, endpoint: OAuthEndpoint, settings: Settings
) -> None:
    query = leave(console)
    assert query["client_id"] == CLIENT_ID
    assert query["response_type"] == "code"
    assert query["owner"] == "user"
    assert urlsplit(query["redirect_uri"]).hostname == "platform.localhost"
    assert urlsplit(query["redirect_uri"]).path == CALLBACK
    settings.OAUTH_CALLBACK_BASE = "https://back.example.com"
    assert leave(console)["redirect_uri"] == f"https://back.example.com{CALLBACK}"


@pytest.mark.parametrize("state", ["", "invented", "a:b:c", "é", "x" * 3000])
def test_an_answer_nobody_asked_for_is_refused(console: Client, endpoint: OAuthEndpoint, state: str) -> None:
    code = endpoint.code_for(workspace())
    response = console.get(CALLBACK, {"code": code, "state": state})
    assert response.status_code == 400
    assert "Start again" in text(response)
    assert endpoint.calls == []


def test_a_granted_workspace_is_connected_and_the_state_is_spent(
    console: Client, endpoint: OAuthEndpoint
) -> None:
    query = leave(console)
    code = endpoint.code_for(workspace())
    response = console.get(CALLBACK, {"code": code, "state": query["state"]})
    with atomic():
        connection = Connection.objects.get()
    assert response["Location"] == reverse("integrations:workspace", args=[connection.pk])
    assert connection.auth_kind == "oauth"
    again = come_back(console, code=endpoint.code_for(workspace()), state=query["state"])
    assert again.status_code == 400  # type: ignore[attr-defined]


def test_an_answer_in_somebody_elses_session_is_refused(
    console: Client,
    endpoint: OAuthEndpoint,
    login_as: Callable[[UserActor], Client],
    admin: UserActor,
    stranger: Client,
) -> None:
    query = leave(console)
    code = endpoint.code_for(workspace())
    other = come_back(login_as(admin), code=code, state=query["state"])
    assert other.status_code == 400  # type: ignore[attr-defined]
    nobody = come_back(stranger, code=code, state=query["state"])
    assert nobody.status_code == 400  # type: ignore[attr-defined]
    assert "Sign in" in text(nobody)
    with atomic():
        assert not Connection.objects.exists()


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"error": "access_denied"}, "was not granted"),
        ({"error": "<script>alert(1)</script>"}, "could not be granted"),
        ({}, "no code"),
        ({"code": "x" * 3000}, "no code"),
        ({"code": "invented"}, "Grant access again"),
    ],
)
def test_a_refusal_is_said_plainly_and_nothing_is_kept(
    console: Client, endpoint: OAuthEndpoint, query: dict[str, str], said: str
) -> None:
    response = come_back(console, **query, state=leave(console)["state"])
    assert response.status_code == 400  # type: ignore[attr-defined]
    assert said in text(response)
    assert "<script>alert" not in text(response)
    with atomic():
        assert not Connection.objects.exists()


def test_new_access_is_for_exactly_the_workspace_it_was_asked_for(
    console: Client, endpoint: OAuthEndpoint
) -> None:
    come_back(console, code=endpoint.code_for(workspace()), state=leave(console)["state"])
    with atomic():
        connection = Connection.objects.get()
        Connection.objects.update(state="reauthorise", state_reason="It ended.")
    page = text(console.get(reverse("integrations:workspace", args=[connection.pk])))
    assert reverse("integrations:oauth_reauthorise", args=[connection.pk]) in page
    assert "Give a new token" not in page
    wrong = endpoint.code_for(workspace("Other Ground", bot="bot-9"))
    refused = come_back(console, code=wrong, state=leave(console, connection.pk)["state"])
    assert "You have chosen “Other Ground”" in text(refused)
    right = endpoint.code_for(workspace())
    come_back(console, code=right, state=leave(console, connection.pk)["state"])
    with atomic():
        assert Connection.objects.get().state == "connected"


def test_nobody_below_an_administrator_leaves_for_notion(
    login_as: Callable[[UserActor], Client], manager: UserActor, endpoint: OAuthEndpoint
) -> None:
    client = login_as(manager)
    assert client.get(reverse("integrations:oauth_start")).status_code == 403
    assert client.get(reverse("integrations:oauth_reauthorise", args=[uuid4()])).status_code == 403


class TestThePlatformsHost:
    """It knows nobody's session: it only hands people on."""

    @pytest.fixture
    def platform(self, other_tenant: TenantRef) -> Client:
        Tenant.objects.filter(pk=other_tenant.id).update(slug="platform")
        directory.forget()
        return Client(headers={"host": Domain.objects.get(tenant_id=other_tenant.id).host})

    def test_people_are_handed_on_to_the_host_where_they_began(
        self, console: Client, endpoint: OAuthEndpoint, platform: Client, host: str
    ) -> None:
        state = leave(console)["state"]
        response = platform.get(CALLBACK, {"code": "a&b=c", "state": state, "more": "not passed on"})
        parts = urlsplit(response["Location"])
        assert (parts.hostname, parts.path) == (host, CALLBACK)
        assert parse_qs(parts.query) == {"code": ["a&b=c"], "state": [state]}
        assert endpoint.calls == []

    @pytest.mark.parametrize("state", ["", "invented", "https://elsewhere.example/"])
    def test_it_hands_nobody_on_without_a_state_of_ours(
        self, endpoint: OAuthEndpoint, platform: Client, state: str
    ) -> None:
        response = platform.get(CALLBACK, {"code": "x", "state": state})
        assert response.status_code == 400
        assert "elsewhere" not in text(response)

    def test_a_host_that_is_the_companys_no_more_is_not_handed_on_to(
        self, console: Client, endpoint: OAuthEndpoint, platform: Client, host: str
    ) -> None:
        state = leave(console)["state"]
        Domain.objects.filter(host=host).update(host="gone.localhost")
        directory.forget()
        assert platform.get(CALLBACK, {"code": "x", "state": state}).status_code == 400
