"""The list of companies: found by name, address, state, cell and region; a new one is taken in from a form."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connections
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoDbBlocker

from tenants.accounts.invitations.services import open_invitation
from tenants.accounts.models import User
from tenants.accounts.selectors import actor_for
from tenants.dispatch import enqueue
from tenants.models import Domain, Tenant
from tenants.selectors import jobs_of
from tenants.tenancy import atomic, tenant_scope
from tenants.tenancy.directory import directory
from tests.companies import create_company, drop_company
from tests.people import signed_in_client

LIST = "/platform/companies/"
type TextOf = Callable[..., str]


def names(text: str) -> list[str]:
    return re.findall(r'<tr id="company-([a-z0-9-]+)"', text)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["south", "platform"]),
        ("q=South+Works", ["south"]),
        ("q=south.local", ["south"]),
        ("q=nobody", []),
        ("state=suspended", ["south"]),
        ("state=active", ["platform"]),
        ("state=nonsense", ["south", "platform"]),
        ("cell=cell_1", ["south", "platform"]),
        ("cell=cell_2", []),
        ("region=elsewhere", []),
        ("region=local&state=suspended", ["south"]),
    ],
)
def test_companies_are_found_by_what_is_known_of_them(
    text_of: TextOf, company: Tenant, query: str, found: list[str]
) -> None:
    Tenant.objects.filter(pk=company.pk).update(state="suspended", state_reason="Not paid.")
    assert names(text_of(f"{LIST}?{query}")) == found


def test_a_suspended_company_says_why(text_of: TextOf, company: Tenant) -> None:
    Tenant.objects.filter(pk=company.pk).update(state="suspended", state_reason="Not paid since May.")
    text = text_of(LIST)
    assert "Suspended" in text
    assert "Not paid since May." in text


def test_a_job_waits_when_it_is_due_and_not_before(company: Tenant) -> None:
    before = jobs_of(company).waiting
    assert before is not None
    with tenant_scope(company.ref), atomic():
        for _ in range(3):
            enqueue("platform.refill_spares")
        enqueue("platform.refill_spares", due_at=timezone.now() + timedelta(hours=1))
    assert jobs_of(company).waiting == before + 3


def test_only_the_results_are_sent_again(text_of: TextOf) -> None:
    text = text_of(LIST, hx_request="true")
    assert "<h1" not in text
    assert "company-south" in text


def test_a_list_of_many_companies_has_pages(text_of: TextOf, company: Tenant) -> None:
    Tenant.objects.bulk_create(
        Tenant(slug=f"many-{n}", name=f"Many {n}", cell="cell_1", schema=f"many_{n}", role=f"many_{n}")
        for n in range(60)
    )
    first = text_of(f"{LIST}?q=Many")
    assert len(names(first)) == 50
    link = re.search(r'href="(/platform/companies/\?[^"]*cursor=[^"]*)"', first)
    assert link is not None
    rest = names(text_of(link[1].replace("&amp;", "&")))
    assert len(rest) == 10
    assert not set(rest) & set(names(first))


def test_a_companys_own_host_knows_of_no_companies(console: Client) -> None:
    for path in (LIST, "/platform/", "/platform/operations/", "/platform/work/", f"{LIST}new/"):
        assert console.get(path).status_code == 404


def test_an_onlooker_is_offered_no_new_company_and_refused_one(onlooker: Client) -> None:
    assert b"New company" not in onlooker.get(LIST).content
    assert onlooker.get(f"{LIST}new/").status_code == 403


def test_a_company_is_taken_in_and_its_owners_link_shown_once(
    databases: None, django_db_blocker: DjangoDbBlocker
) -> None:
    with django_db_blocker.unblock():
        platform = create_company("platform", "Platform")
        try:
            _take_in(platform)
        finally:
            connections.close_all()
            for each in Tenant.objects.filter(slug__in=["platform", "west-works"]):
                drop_company(each)
            directory.forget()


def _take_in(platform: Tenant) -> None:
    with tenant_scope(platform.ref), atomic():
        client = signed_in_client(Domain.objects.get(tenant=platform).host, actor_for(User.objects.get()))
    form = {
        "name": "West Works", "slug": "west-works", "region": "elsewhere", "owner_name": "Wanda Example",
        "owner_email": "wanda@west.example",
    }  # fmt: skip
    wrong = client.post(f"{LIST}new/", {**form, "slug": "Not a slug"})
    assert (wrong.status_code, b"lower-case letters" in wrong.content) == (422, True)

    answer = client.post(f"{LIST}new/", form)

    link = re.search(r"/invitations/(nts_invite_[^/\"]+)/", answer.content.decode())
    assert link is not None
    company = Tenant.objects.get(slug="west-works")
    assert (company.region, company.cell, company.state) == ("elsewhere", "cell_2", "active")
    with tenant_scope(company.ref), atomic():
        assert open_invitation(link[1]).email == "wanda@west.example"
    again = client.post(f"{LIST}new/", form)
    assert (again.status_code, b"This address is taken" in again.content) == (422, True)
