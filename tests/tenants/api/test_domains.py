"""`/api/v1/domains/`: claiming, proving, choosing and giving up, by a program."""

from collections.abc import Iterator

import pytest
from rest_framework.test import APIClient

from tenants.accounts.access import SYSTEM, UserActor
from tenants.branding.domains.services import claim_domain
from tenants.foundation import dns
from tenants.models import CustomDomain
from tenants.tenancy import TenantRef, tenant_scope
from tests.fakes.name_server import NameServer
from tests.people import token_client

HOST = "tasks.example.com"
URL = "/api/v1/domains/"


@pytest.fixture
def servers(settings: object, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[NameServer, NameServer]]:
    """The two name servers that are asked."""
    monkeypatch.setattr(dns, "_TIMEOUT_SECONDS", 0.3)
    with NameServer().serving() as first, NameServer().serving() as second:
        settings.DNS_RESOLVERS = [first.text, second.text]  # type: ignore[attr-defined]
        yield first, second


@pytest.mark.parametrize(
    "domain", ["", "co.uk", "192.0.2.1", "tasks.example.com.", "*.example.com", "x" * 254]
)
def test_what_is_no_name_is_refused_beside_its_field(api: APIClient, domain: str) -> None:
    answer = api.post(URL, {"domain": domain})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/domain"


def test_the_same_name_twice_is_a_conflict(api: APIClient) -> None:
    assert api.post(URL, {"domain": HOST}).status_code == 201
    again = api.post(URL, {"domain": HOST.upper()})
    assert (again.status_code, again.json()["code"]) == (409, "conflict.domain_known")


def test_a_domain_is_claimed_proved_chosen_and_given_up(
    api: APIClient, servers: tuple[NameServer, NameServer]
) -> None:
    made = api.post(URL, {"domain": HOST}).json()
    assert (made["state"], made["record_name"]) == ("pending", f"_nts-challenge.{HOST}")
    one = f"{URL}{made['id']}/"
    waiting = api.post(f"{one}check/").json()
    assert (waiting["state"], "no TXT record" in waiting["proof_problem"]) == ("pending", True)
    for server in servers:
        server.txt(made["record_name"], made["record_value"])
        server.alias(HOST, made["target"])
    assert api.put(f"{one}primary/").status_code == 409
    assert api.post(f"{one}check/").json()["state"] == "active"
    assert api.put(f"{one}primary/").json()["is_primary"] is True
    assert [row["domain"] for row in api.get(URL).json()["results"]] == [HOST]
    assert api.delete(f"{one}primary/").status_code == 204
    assert api.get(one).json()["is_primary"] is False
    assert api.delete(one).status_code == 204
    assert api.get(one).status_code == 404


def test_a_token_without_the_scope_looks_and_changes_nothing(host: str, owner: UserActor) -> None:
    program = token_client(host, owner, scopes=frozenset({"company.view_domains"}))
    assert program.get(URL).status_code == 200
    assert program.post(URL, {"domain": HOST}).status_code == 403


def test_another_companys_domain_is_not_found(api: APIClient, other_tenant: TenantRef) -> None:
    with tenant_scope(other_tenant):
        theirs = claim_domain(host=HOST, actor=SYSTEM)
    for method, path in (
        ("get", ""), ("delete", ""), ("post", "check/"), ("put", "primary/"), ("delete", "primary/"),
    ):  # fmt: skip
        assert getattr(api, method)(f"{URL}{theirs.pk}/{path}").status_code == 404
    assert api.get(URL).json()["results"] == []
    assert CustomDomain.objects.filter(pk=theirs.pk).exists()
