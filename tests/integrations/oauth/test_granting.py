"""Connecting by OAuth: what becomes of a code, and when nothing may be overwritten."""

import pytest

from integrations.capabilities import SourceError
from integrations.models import Connection, OAuthGrant
from integrations.oauth.routes import keep_routes
from integrations.services import accept_grant, disconnect_connection
from tenants.accounts.access import SYSTEM, UserActor
from tenants.foundation.errors import Conflict, Forbidden, NotFound
from tenants.models import WorkspaceRoute
from tenants.secrets.models import Secret as StoredSecret
from tenants.secrets.services import reveal_secret
from tenants.tenancy import TenantRef, tenant_scope
from tests.fakes.oauth_endpoint import OAuthEndpoint, workspace

BACK = "http://platform.localhost:8000/oauth/notion/callback"


def grant(endpoint: OAuthEndpoint, connection: Connection | None = None, **where: str) -> Connection:
    code = endpoint.code_for(workspace(**where))
    return accept_grant(
        code=code,
        redirect_uri=BACK,
        actor=SYSTEM,
        connection_id=connection.pk if connection else None,
    )


def test_a_code_nobody_gave_out_connects_nothing(tenant: TenantRef, endpoint: OAuthEndpoint) -> None:
    with pytest.raises(SourceError, match="Grant access again"):
        accept_grant(code="invented", redirect_uri=BACK, actor=SYSTEM)
    assert not Connection.objects.exists()
    assert not StoredSecret.objects.exists()


def test_a_wrong_client_secret_is_the_operators_to_mend(
    tenant: TenantRef,
    endpoint: OAuthEndpoint,
    settings: pytest.FixtureRequest,
) -> None:
    settings.NOTION_OAUTH_CLIENT_SECRET = "another"  # type: ignore[attr-defined]
    with pytest.raises(SourceError, match="Whoever runs it"):
        grant(endpoint)


def test_without_a_registered_integration_nothing_is_offered(tenant: TenantRef) -> None:
    with pytest.raises(NotFound):
        accept_grant(code="x", redirect_uri=BACK, actor=SYSTEM)


def test_a_member_may_not_connect(tenant: TenantRef, endpoint: OAuthEndpoint, member: UserActor) -> None:
    with pytest.raises(Forbidden):
        accept_grant(code=endpoint.code_for(workspace()), redirect_uri=BACK, actor=member)
    assert endpoint.calls == []


def test_a_code_connects_the_workspace_and_seals_both_tokens(
    tenant: TenantRef,
    endpoint: OAuthEndpoint,
) -> None:
    connection = grant(endpoint)
    assert (connection.name, connection.auth_kind, connection.state) == (
        "Granted Ground",
        "oauth",
        "connected",
    )
    assert connection.account_id == "bot-1"
    assert connection.requests_per_minute == 180
    assert OAuthGrant.objects.get().owner_name == "Ola Owner-Example"
    sealed = [bytes(secret.sealed) for secret in StoredSecret.objects.all()]
    assert len(sealed) == 2
    assert not any(b"ntn_" in each for each in sealed)
    assert endpoint.calls[0]["redirect_uri"] == BACK


def test_granting_the_same_workspace_again_renews_its_access(
    tenant: TenantRef,
    endpoint: OAuthEndpoint,
) -> None:
    first = grant(endpoint)
    Connection.objects.update(state=Connection.State.REAUTHORISE, state_reason="It ended.")
    again = grant(endpoint, first)
    assert (again.pk, again.state, again.state_reason) == (first.pk, "connected", "")
    assert again.token_secret_id is not None
    assert reveal_secret(again.token_secret_id).reveal() == "ntn_access_4"


def test_an_integration_put_in_again_as_another_bot_keeps_its_connection(
    tenant: TenantRef,
    endpoint: OAuthEndpoint,
) -> None:
    first = grant(endpoint)
    again = grant(endpoint, bot="bot-2")
    assert (again.pk, again.account_id) == (first.pk, "bot-2")
    assert Connection.objects.count() == 1


def test_another_workspace_than_the_one_asked_for_changes_nothing(
    tenant: TenantRef,
    endpoint: OAuthEndpoint,
) -> None:
    first = grant(endpoint)
    before = Connection.objects.values().get()
    secrets = sorted(bytes(secret.sealed) for secret in StoredSecret.objects.all())
    with pytest.raises(Conflict, match="You have chosen “Other Ground”") as refusal:
        grant(endpoint, first, name="Other Ground", bot="bot-9")
    assert refusal.value.code == "integrations.foreign_workspace"
    assert Connection.objects.values().get() == before
    assert sorted(bytes(secret.sealed) for secret in StoredSecret.objects.all()) == secrets
    # Nobody will use what was just granted, so it is given back.
    assert len(endpoint.revoked) == 1


def test_access_another_connection_lives_on_is_not_given_back(
    tenant: TenantRef,
    endpoint: OAuthEndpoint,
) -> None:
    first = grant(endpoint)
    grant(endpoint, name="Other Ground", bot="bot-9")
    with pytest.raises(Conflict):
        grant(endpoint, first, name="Other Ground", bot="bot-9")
    assert endpoint.revoked == []


def test_a_workspace_connected_with_a_token_is_not_connected_twice(
    tenant: TenantRef,
    endpoint: OAuthEndpoint,
) -> None:
    Connection.objects.create(
        connector="notion", name="By Token", account_id="bot-t", workspace_id="ws-Granted Ground"
    )
    with pytest.raises(Conflict, match="twice"):
        grant(endpoint)
    assert Connection.objects.count() == 1


def test_a_workspace_connected_with_a_token_is_not_turned_into_one_by_oauth(
    tenant: TenantRef, endpoint: OAuthEndpoint
) -> None:
    by_token = Connection.objects.create(
        connector="notion", name="Granted Ground", account_id="own bot", workspace_id="ws-Granted Ground"
    )
    with pytest.raises(Conflict, match="with a token"):
        grant(endpoint, by_token)
    by_token.refresh_from_db()
    assert (by_token.auth_kind, by_token.account_id) == ("token", "own bot")
    assert not OAuthGrant.objects.exists()


def test_a_disconnected_workspace_is_not_reauthorised(
    tenant: TenantRef,
    endpoint: OAuthEndpoint,
) -> None:
    first = grant(endpoint)
    disconnect_connection(connection=first, actor=SYSTEM)
    with pytest.raises(Conflict, match="disconnected meanwhile"):
        grant(endpoint, first)


def test_routes_follow_the_connections_of_each_company(
    tenant: TenantRef,
    other_tenant: TenantRef,
    endpoint: OAuthEndpoint,
) -> None:
    first = grant(endpoint)
    assert keep_routes()
    with tenant_scope(other_tenant):
        grant(endpoint)
        keep_routes()
    rows = set(WorkspaceRoute.objects.values_list("workspace_id", "tenant_id"))
    assert rows == {("ws-Granted Ground", tenant.id), ("ws-Granted Ground", other_tenant.id)}
    WorkspaceRoute.objects.create(connector="notion", workspace_id="left over", tenant_id=tenant.id)
    disconnect_connection(connection=first, actor=SYSTEM)
    assert not keep_routes()
    assert set(WorkspaceRoute.objects.values_list("tenant_id", flat=True)) == {other_tenant.id}
