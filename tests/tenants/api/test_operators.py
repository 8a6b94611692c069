"""The operators' API: companies, operations and the platform; nothing of it exists on a company's own host."""

from datetime import timedelta

import pytest
from django.db import connections
from django.utils import timezone
from pytest_django import DjangoDbBlocker
from rest_framework.test import APIClient

from tenants.accounts.invitations.services import open_invitation
from tenants.accounts.models import User
from tenants.accounts.selectors import actor_for
from tenants.lifecycle.operations import start_operation
from tenants.models import Domain, Evidence, Tenant
from tenants.tenancy import TenantRef, atomic, tenant_scope
from tenants.tenancy.directory import directory
from tests.companies import create_company, drop_company
from tests.people import token_client

PAGED = [
    "/api/v1/companies/", "/api/v1/operations/", "/api/v1/evidence/", "/api/v1/deletion-certificates/",
    "/api/v1/operator-grants/",
]  # fmt: skip
ADDRESSES = [*PAGED, "/api/v1/platform/"]


@pytest.mark.parametrize("address", ADDRESSES)
def test_on_a_companys_host_there_is_no_platform(api: APIClient, address: str) -> None:
    assert api.get(address).status_code == 404


def test_companies_are_listed_and_narrowed(operator_api: APIClient, other_tenant: TenantRef) -> None:
    def slugs(**query: str) -> list[str]:
        answer = operator_api.get("/api/v1/companies/", query)
        assert answer.status_code == 200, answer.json()
        return [row["slug"] for row in answer.json()["results"]]

    assert slugs() == ["south", "platform"]
    assert slugs(q="south") == ["south"]
    assert slugs(state="suspended") == []
    assert slugs(sort="name") == ["platform", "south"]
    wrong = operator_api.get("/api/v1/companies/", {"state": "asleep"})
    assert (wrong.status_code, wrong.json()["errors"][0]["parameter"]) == (422, "state")


def test_a_company_is_suspended_made_read_only_and_resumed(
    operator_api: APIClient, other_tenant: TenantRef
) -> None:
    address = f"/api/v1/companies/{other_tenant.id}/"
    assert operator_api.post(f"{address}suspend/", {}).status_code == 422
    for verb, state in (("suspend", "suspended"), ("read-only", "read_only")):
        answer = operator_api.post(f"{address}{verb}/", {"reason": "The invoice is open."})
        assert (answer.status_code, answer.json()["state"]) == (200, state)
    assert operator_api.get(address).json()["state_reason"] == "The invoice is open."
    assert operator_api.post(f"{address}resume/").json()["state"] == "active"
    Tenant.objects.filter(pk=other_tenant.id).update(state="moving")
    refused = operator_api.post(f"{address}suspend/", {"reason": "x"})
    assert (refused.status_code, refused.json()["code"]) == (409, "tenants.not_standing")


def test_an_onlooker_reads_and_changes_nothing(onlooker_api: APIClient, other_tenant: TenantRef) -> None:
    address = f"/api/v1/companies/{other_tenant.id}/"
    assert onlooker_api.get(address).json()["slug"] == "south"
    assert onlooker_api.post(f"{address}suspend/", {"reason": "x"}).status_code == 403
    assert onlooker_api.post(f"{address}resume/").status_code == 403
    assert onlooker_api.post("/api/v1/companies/", {"slug": "x"}).status_code == 403


def test_operations_are_listed_and_shown(operator_api: APIClient, other_tenant: TenantRef) -> None:
    begun = start_operation(
        kind="export", tenant_id=other_tenant.id, tenant_slug="south", asked_by="Olive", values={}
    )
    listed = operator_api.get("/api/v1/operations/", {"company": "south", "kind": "export"}).json()["results"]
    assert [row["id"] for row in listed] == [str(begun.pk)]
    assert operator_api.get("/api/v1/operations/", {"state": "undone"}).json()["results"] == []
    shown = operator_api.get(f"/api/v1/operations/{begun.pk}/").json()
    assert (shown["state"], shown["company"], shown["asked_by"]) == ("running", "south", "Olive")
    assert operator_api.get(f"/api/v1/operations/{other_tenant.id}/").status_code == 404


@pytest.mark.parametrize("address", PAGED)
def test_a_page_that_cannot_be_is_refused(operator_api: APIClient, address: str) -> None:
    for query in ("cursor=x", "cursor=", "page_size=0", "page_size=101", "sort=colour", "colour=red"):
        answer = operator_api.get(f"{address}?{query}")
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["parameter"] == query.partition("=")[0]


def test_the_platform_tells_of_its_cells_and_checks(operator_api: APIClient) -> None:
    at = timezone.now() - timedelta(hours=27)
    Evidence.objects.create(kind="backup", is_passed=True, summary="Full.", started_at=at, finished_at=at)
    told = operator_api.get("/api/v1/platform/").json()
    assert {cell["alias"]: cell["is_up"] for cell in told["cells"]} == {"cell_1": True, "cell_2": True}
    found = {check["kind"]: check for check in told["checks"]}
    assert (found["backup"]["is_well"], found["backup"]["summary"]) == (False, "Full.")
    assert (found["restore_drill"]["is_well"], found["restore_drill"]["passed_at"]) == (False, None)


def test_a_company_is_taken_in_and_its_owner_invited(
    databases: None, django_db_blocker: DjangoDbBlocker
) -> None:
    with django_db_blocker.unblock():
        platform = create_company("platform", "Platform")
        try:
            with tenant_scope(platform.ref), atomic():
                host = Domain.objects.get(tenant=platform).host
                client = token_client(host, actor_for(User.objects.get()))
            body = {
                "slug": "east-works", "name": "East", "owner_email": "e@east.example", "owner_name": "Eve Example",
            }  # fmt: skip
            unknown = client.post("/api/v1/companies/", {**body, "region": "the moon"})
            assert unknown.status_code == 422
            made = client.post("/api/v1/companies/", body)
            assert made.status_code == 201, made.json()
            assert (made.json()["state"], made.json()["slug"]) == ("active", "east-works")
            token = made.json()["invitation"].rstrip("/").rpartition("/")[2]
            company = Tenant.objects.get(slug="east-works")
            with tenant_scope(company.ref), atomic():
                assert open_invitation(token).email == "e@east.example"
            taken = client.post("/api/v1/companies/", body)
            assert (taken.status_code, taken.json()["code"]) == (409, "tenants.slug_taken")
        finally:
            connections.close_all()
            for each in Tenant.objects.filter(slug__in=["platform", "east-works"]):
                drop_company(each)
            directory.forget()
