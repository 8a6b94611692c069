"""The platform's own address: events of granted workspaces reach every company that has them, and nobody else."""

import json
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
import redis
from django.conf import settings
from django.core.management import CommandError, call_command
from django.test import Client

from integrations.models import Connection, InboundEvent, WebhookSubscription
from integrations.webhooks.window import open_window
from tenants.models import Domain, Tenant, WorkspaceRoute
from tenants.secrets.models import Secret
from tenants.tenancy import TenantRef, atomic, tenant_scope
from tenants.tenancy.directory import directory
from tests.factories.notion_events import SIGNING_KEY, WORKSPACE, Json, event_json, post
from tests.fakes.dispatch import states_of_work
from tests.integrations.webhooks.conftest import connection_of

ADDRESS = "/hooks/notion/"
JOB = "integrations.handle_events"


def command(*options: str) -> dict[str, Any]:
    """What the operator's command says."""
    shown = StringIO()
    call_command("platform_webhook", "notion", *options, "--json", stdout=shown)
    said: dict[str, Any] = json.loads(shown.getvalue())
    return said


def introduce(client: Client, token: str) -> int:
    return int(post(client, ADDRESS, {"verification_token": token}, key=None).status_code)


@pytest.fixture(autouse=True)
def closed_window() -> None:
    """No operator waits for anything yet."""
    redis.Redis.from_url(settings.REDIS_URL).flushdb()


@pytest.fixture
def platform(other_tenant: TenantRef) -> Client:
    """The platform's host, played by the other company."""
    Tenant.objects.filter(pk=other_tenant.id).update(slug="platform")
    directory.forget()
    return Client(headers={"host": Domain.objects.get(tenant_id=other_tenant.id).host})


@pytest.fixture
def introduced(platform: Client) -> Client:
    """The service has introduced itself there, and an operator has taken its key."""
    command("--await")
    assert introduce(platform, SIGNING_KEY) == 204
    command("--take-pending")
    return platform


@pytest.fixture
def granted(tenant: TenantRef) -> Connection:
    """A company that granted access to its workspace."""
    WorkspaceRoute.objects.create(connector="notion", workspace_id=WORKSPACE, tenant_id=tenant.id)
    return connection_of(auth_kind=Connection.AuthKind.OAUTH)


def send(client: Client, event: Json | bytes, *, key: str | None = SIGNING_KEY) -> int:
    return int(post(client, ADDRESS, event, key=key).status_code)


def test_an_event_reaches_the_company_that_has_the_workspace(
    introduced: Client, granted: Connection, tenant: TenantRef
) -> None:
    event = event_json(entity_id="page-1")
    assert send(introduced, event) == 204
    assert send(introduced, event) == 204
    kept = InboundEvent.objects.get()
    assert (kept.pk, kept.connection) == (event["id"], granted)
    assert WebhookSubscription.objects.get(connection=granted).state == WebhookSubscription.State.ACTIVE
    assert states_of_work(tenant, JOB) == ["ready"]


def test_a_workspace_nobody_has_is_taken_and_forgotten(introduced: Client, granted: Connection) -> None:
    assert send(introduced, event_json(workspace_id="0b0b0b0b-0000-4000-8000-000000000009")) == 204
    assert send(introduced, event_json() | {"workspace_id": None}) == 204
    assert not InboundEvent.objects.exists()


def test_a_route_without_a_connection_leads_nowhere(introduced: Client, granted: Connection) -> None:
    """The route is a hint: each company looks for itself."""
    Connection.objects.update(auth_kind=Connection.AuthKind.TOKEN)
    assert send(introduced, event_json()) == 204
    Connection.objects.update(auth_kind=Connection.AuthKind.OAUTH, state=Connection.State.DISCONNECTED)
    assert send(introduced, event_json()) == 204
    assert not InboundEvent.objects.exists()


def test_a_company_without_a_route_gets_nothing(introduced: Client, granted: Connection) -> None:
    WorkspaceRoute.objects.all().delete()
    assert send(introduced, event_json()) == 204
    assert not InboundEvent.objects.exists()


@pytest.mark.parametrize("key", ["secret_of_somebody", None])
def test_nothing_is_believed_without_the_platforms_key(
    introduced: Client, granted: Connection, key: str | None
) -> None:
    assert send(introduced, event_json(), key=key) == 401
    assert not InboundEvent.objects.exists()


def test_before_the_introduction_nothing_is_believed(platform: Client, granted: Connection) -> None:
    assert send(platform, event_json()) == 401


def test_garbage_is_told_so(introduced: Client) -> None:
    assert send(introduced, b"no json") == 400
    assert send(introduced, b"x" * 300_000) == 413
    assert introduced.get(ADDRESS).status_code == 405
    assert post(introduced, "/hooks/linear/", event_json()).status_code == 404


def test_a_companys_host_has_no_such_address(stranger: Client, introduced: Client) -> None:
    assert send(stranger, event_json()) == 404
    assert post(stranger, ADDRESS, {"verification_token": "secret_planted"}, key=None).status_code == 404


def test_an_address_of_a_granted_workspace_is_no_door_of_its_own(
    introduced: Client, granted: Connection, stranger: Client
) -> None:
    send(introduced, event_json())
    key = WebhookSubscription.objects.get().address_key
    answer = post(stranger, f"/hooks/notion/{key}/", {"verification_token": "secret_planted"}, key=None)
    assert answer.status_code == 404


@pytest.mark.parametrize(("state", "status"), [("moving", 503), ("suspended", 204), ("read_only", 204)])
def test_a_company_that_is_closed_for_seconds_is_told_again_and_others_look_later(
    introduced: Client, granted: Connection, tenant: TenantRef, state: str, status: int
) -> None:
    Tenant.objects.filter(pk=tenant.id).update(state=state)
    assert send(introduced, event_json()) == status
    assert not InboundEvent.objects.exists()


def test_nobody_introduces_themselves_unasked(platform: Client, granted: Connection) -> None:
    assert introduce(platform, "secret_of_a_stranger") == 403
    assert command("--show")["pending_token"] is None
    assert send(platform, event_json(), key="secret_of_a_stranger") == 401


def test_the_window_lets_one_through_and_closes(platform: Client) -> None:
    assert command("--await", "--minutes", "5")["awaits_until"] is not None
    assert introduce(platform, "secret_first") == 204
    assert introduce(platform, "secret_of_a_stranger") == 403
    said = command("--show")
    assert (said["pending_token"], said["verification_token"]) == ("secret_first", None)
    assert said["awaits_until"] is None


def test_a_key_that_came_counts_only_when_an_operator_took_it(platform: Client, granted: Connection) -> None:
    command("--await")
    introduce(platform, "secret_first")
    assert send(platform, event_json(), key="secret_first") == 401
    command("--take-pending")
    assert send(platform, event_json(), key="secret_first") == 204


def test_while_a_key_waits_none_takes_its_place(introduced: Client, granted: Connection) -> None:
    command("--await")
    assert introduce(introduced, "secret_second") == 204
    with pytest.raises(CommandError, match="take it or refuse it"):
        command("--await")
    open_window("notion", lasting=timedelta(minutes=1))
    assert introduce(introduced, "secret_third") == 403
    assert command("--show")["pending_token"] == "secret_second"

    assert send(introduced, event_json(), key="secret_second") == 401
    assert send(introduced, event_json()) == 204
    command("--take-pending")
    assert send(introduced, event_json(), key="secret_second") == 204
    assert send(introduced, event_json()) == 401


def test_a_key_that_was_refused_is_forgotten(introduced: Client) -> None:
    command("--await")
    introduce(introduced, "secret_second")
    assert command("--refuse-pending")["has_pending_token"] is False
    with pytest.raises(CommandError, match="No token is waiting"):
        command("--take-pending")


def test_the_same_introduction_again_is_no_news(introduced: Client) -> None:
    assert introduce(introduced, SIGNING_KEY) == 204
    assert command()["has_pending_token"] is False


@pytest.mark.parametrize("minutes", ["0", "-3", "61", "99999999999999"])
def test_a_window_is_open_for_an_hour_at_most(platform: Client, minutes: str) -> None:
    with pytest.raises(CommandError, match="minutes"):
        command("--await", f"--minutes={minutes}")
    assert introduce(platform, SIGNING_KEY) == 403


def test_tokens_are_shown_on_demand_only(introduced: Client) -> None:
    command("--await")
    introduce(introduced, "secret_second")
    hidden, shown = StringIO(), StringIO()
    call_command("platform_webhook", "notion", stdout=hidden)
    call_command("platform_webhook", "notion", "--show", stdout=shown)
    assert "/hooks/notion/" in hidden.getvalue()
    assert SIGNING_KEY not in hidden.getvalue()
    assert "secret_second" not in hidden.getvalue()
    assert SIGNING_KEY in shown.getvalue()
    assert "secret_second" in shown.getvalue()


def test_the_platforms_key_is_sealed_in_the_platforms_own_vault(
    introduced: Client, tenant: TenantRef, other_tenant: TenantRef
) -> None:
    with atomic():
        assert not Secret.objects.filter(owner_table="integrations_platformwebhook").exists()
    with tenant_scope(other_tenant), atomic():
        assert SIGNING_KEY.encode() not in bytes(
            Secret.objects.get(owner_table="integrations_platformwebhook").sealed
        )
