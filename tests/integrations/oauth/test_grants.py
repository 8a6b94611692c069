"""Renewing access: once for all who need it, never lost, and said plainly when it has ended."""

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connections

from integrations.capabilities import SourceError
from integrations.models import Connection, OAuthGrant
from integrations.oauth.grants import AccessWithdrawn, give_back_grant, renew_access
from integrations.oauth.live_token import LiveToken, token_of
from integrations.services import accept_grant, disconnect_connection
from integrations.sync.leases import keep_lease, take_lease
from tenants.accounts.access import SYSTEM
from tenants.foundation.crypto import Secret
from tenants.secrets.models import Secret as StoredSecret
from tenants.secrets.services import reveal_secret
from tenants.tenancy import TenantRef, atomic, tenant_scope
from tests.fakes.oauth_endpoint import OAuthEndpoint, workspace

BACK = "http://platform.localhost:8000/oauth/notion/callback"


def granted(endpoint: OAuthEndpoint) -> Connection:
    return accept_grant(code=endpoint.code_for(workspace()), redirect_uri=BACK, actor=SYSTEM)


def access_of(connection: Connection) -> str:
    row = Connection.objects.get(pk=connection.pk)
    assert row.token_secret_id is not None
    return reveal_secret(row.token_secret_id).reveal()


def refreshes(endpoint: OAuthEndpoint) -> list[Any]:
    return [call for call in endpoint.calls if call.get("grant_type") == "refresh_token"]


def test_a_refresh_stores_both_new_tokens(tenant: TenantRef, endpoint: OAuthEndpoint) -> None:
    connection = granted(endpoint)
    before = access_of(connection)
    renewed = renew_access(connection_id=connection.pk, refused=Secret(before))
    assert renewed.reveal() != before
    assert access_of(connection) == renewed.reveal()
    grant = OAuthGrant.objects.get()
    assert grant.refresh_secret_id is not None
    assert reveal_secret(grant.refresh_secret_id).reveal() in endpoint.refresh_tokens
    again = renew_access(connection_id=connection.pk, refused=renewed)
    assert again != renewed


def test_who_comes_with_an_older_token_gets_the_present_one_without_a_call(
    tenant: TenantRef, endpoint: OAuthEndpoint
) -> None:
    connection = granted(endpoint)
    token = token_of(Connection.objects.get(pk=connection.pk))
    assert isinstance(token, LiveToken)
    renewed = renew_access(connection_id=connection.pk, refused=Secret(access_of(connection)))
    token.renew()
    assert token.reveal() == renewed.reveal()
    assert len(refreshes(endpoint)) == 1
    assert "ntn_" not in f"{token} {token!r}"


def test_a_refresh_token_that_is_void_asks_for_a_person(tenant: TenantRef, endpoint: OAuthEndpoint) -> None:
    connection = granted(endpoint)
    endpoint.refresh_tokens.clear()
    with pytest.raises(AccessWithdrawn, match="Grant it again"):
        renew_access(connection_id=connection.pk, refused=Secret(access_of(connection)))


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (503, b'{"object":"error","code":"service_unavailable"}'),
        (500, b"<html>"),
        (200, b"not json"),
        (200, b"[]"),
        (200, b'{"access_token": "ntn_x"}'),
        (401, b'{"error": "invalid_client"}'),
        (429, b'{"object":"error","code":"rate_limited"}'),
    ],
)
def test_a_service_that_cannot_say_loses_us_nothing(
    tenant: TenantRef, endpoint: OAuthEndpoint, status: int, body: bytes
) -> None:
    connection = granted(endpoint)
    before = access_of(connection)
    endpoint.failures = [(status, body)]
    with pytest.raises(SourceError) as failure:
        renew_access(connection_id=connection.pk, refused=Secret(before))
    assert not isinstance(failure.value, AccessWithdrawn)
    assert access_of(connection) == before
    assert renew_access(connection_id=connection.pk, refused=Secret(before)).reveal() != before


def test_a_grant_without_a_refresh_token_cannot_be_renewed(
    tenant: TenantRef, endpoint: OAuthEndpoint
) -> None:
    connection = granted(endpoint)
    OAuthGrant.objects.update(refresh_secret=None)
    with pytest.raises(AccessWithdrawn):
        renew_access(connection_id=connection.pk, refused=Secret(access_of(connection)))
    assert refreshes(endpoint) == []


def test_two_workers_at_once_refresh_once(committed_tenant: TenantRef, endpoint: OAuthEndpoint) -> None:
    with tenant_scope(committed_tenant):
        connection = granted(endpoint)
        with atomic():
            old = access_of(connection)
    got: list[str] = []
    endpoint.on_refresh = lambda: time.sleep(1.0)

    def renew() -> None:
        try:
            with tenant_scope(committed_tenant):
                got.append(renew_access(connection_id=connection.pk, refused=Secret(old)).reveal())
        finally:
            connections.close_all()

    workers = [threading.Thread(target=renew) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(30)
    assert len(refreshes(endpoint)) == 1
    assert len(got) == 3
    assert len(set(got)) == 1
    assert got[0] != old


def test_disconnecting_gives_the_access_back_and_forgets_the_tokens(
    tenant: TenantRef, endpoint: OAuthEndpoint, work: Callable[[], None]
) -> None:
    connection = granted(endpoint)
    token = access_of(connection)
    disconnect_connection(connection=connection, actor=SYSTEM)
    assert Connection.objects.get(pk=connection.pk).token_secret_id is None
    give_back_grant(connection_id=connection.pk)
    assert endpoint.revoked == [token]
    assert not StoredSecret.objects.exists()
    assert not OAuthGrant.objects.exists()
    give_back_grant(connection_id=connection.pk)
    assert endpoint.revoked == [token]


def test_what_cannot_be_given_back_is_forgotten_in_the_end(
    tenant: TenantRef, endpoint: OAuthEndpoint
) -> None:
    connection = granted(endpoint)
    disconnect_connection(connection=connection, actor=SYSTEM)
    endpoint.failures = [(503, b"{}"), (503, b"{}")]
    with pytest.raises(SourceError):
        give_back_grant(connection_id=connection.pk)
    assert StoredSecret.objects.count() == 2
    give_back_grant(connection_id=connection.pk, is_last_attempt=True)
    assert not StoredSecret.objects.exists()


def test_access_of_a_workspace_connected_again_is_not_given_back(
    tenant: TenantRef, endpoint: OAuthEndpoint
) -> None:
    connection = granted(endpoint)
    disconnect_connection(connection=connection, actor=SYSTEM)
    again = granted(endpoint)
    assert again.pk == connection.pk
    give_back_grant(connection_id=connection.pk)
    assert endpoint.revoked == []
    assert again.state == Connection.State.CONNECTED


def test_access_granted_anew_while_it_is_renewed_waits_for_the_end_of_that(
    committed_tenant: TenantRef, endpoint: OAuthEndpoint
) -> None:
    with tenant_scope(committed_tenant):
        connection = granted(endpoint)
        with atomic():
            old = access_of(connection)
    is_renewing, failures, renewed = threading.Event(), list[BaseException](), list[Secret]()

    def slow() -> None:
        is_renewing.set()
        time.sleep(1.0)

    endpoint.on_refresh = slow

    def tried(work: Callable[[], object]) -> Callable[[], None]:
        def run() -> None:
            try:
                with tenant_scope(committed_tenant):
                    work()
            except BaseException as error:
                failures.append(error)
            finally:
                connections.close_all()

        return run

    renewing = threading.Thread(
        target=tried(lambda: renewed.append(renew_access(connection_id=connection.pk, refused=Secret(old))))
    )
    granting = threading.Thread(target=tried(lambda: granted(endpoint)))
    renewing.start()
    assert is_renewing.wait(10)
    granting.start()
    renewing.join(30)
    granting.join(30)

    assert failures == []
    with tenant_scope(committed_tenant), atomic():
        assert access_of(connection) not in {old, renewed[0].reveal()}


def test_while_access_is_renewed_workers_keep_their_connection(
    committed_tenant: TenantRef, endpoint: OAuthEndpoint
) -> None:
    with tenant_scope(committed_tenant):
        connection = granted(endpoint)
        with atomic():
            old = access_of(connection)
        lease, waited = take_lease(connection.pk), list[float]()

        def keep() -> None:
            def run() -> None:
                try:
                    with tenant_scope(committed_tenant), atomic():
                        keep_lease(connection.pk, lease)
                finally:
                    connections.close_all()

            began = time.monotonic()
            worker = threading.Thread(target=run)
            worker.start()
            worker.join(3)
            waited.append(time.monotonic() - began)

        endpoint.on_refresh = keep
        renew_access(connection_id=connection.pk, refused=Secret(old))
    assert waited[0] < 2
