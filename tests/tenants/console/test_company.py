"""One company's page: how it stands, what is offered in which state, and what the buttons do."""

import re
from collections.abc import Callable

import pytest
from django.test import Client

from tenants.lifecycle import standing
from tenants.lifecycle.operations import start_operation
from tenants.models import Operation, Tenant
from tenants.tenancy import TenantRef

type TextOf = Callable[..., str]


def page_of(company: Tenant) -> str:
    return f"/platform/companies/{company.pk}/"


def offered(text: str) -> set[str]:
    return set(re.findall(r'name="action" value="([a-z-]+)"', text))


def test_it_says_how_the_company_stands(text_of: TextOf, company: Tenant) -> None:
    text = text_of(page_of(company))
    assert "South Works" in text
    assert "cell_1" in text
    assert "up to date" in text
    assert re.search(r"\d+(\.\d)?\xa0(KB|MB)", text)


@pytest.mark.parametrize(
    ("state", "actions"),
    [
        ("active", {"suspend", "read-only", "export", "delete"}),
        ("suspended", {"resume", "read-only", "export", "delete"}),
        ("read_only", {"resume", "suspend", "export", "delete"}),
        ("moving", set()),
        ("pending_deletion", {"keep"}),
        ("deleted", set()),
    ],
)
def test_only_what_can_be_done_in_its_state_is_offered(
    text_of: TextOf, company: Tenant, state: str, actions: set[str]
) -> None:
    Tenant.objects.filter(pk=company.pk).update(state=state)
    assert offered(text_of(page_of(company))) - {"move"} == actions


def test_nothing_is_offered_while_something_is_being_done_to_it(text_of: TextOf, company: Tenant) -> None:
    start_operation(kind="export", tenant_id=company.pk, tenant_slug="south", asked_by="", values={})
    text = text_of(page_of(company))
    assert offered(text) == set()
    assert "Export is under way" in text


def test_nothing_is_offered_for_the_platform_itself_nor_to_an_onlooker(
    text_of: TextOf, tenant: TenantRef, company: Tenant, onlooker: Client
) -> None:
    assert offered(text_of(f"/platform/companies/{tenant.id}/")) == set()
    assert offered(onlooker.get(page_of(company)).content.decode()) == set()
    assert onlooker.post(f"{page_of(company)}act/", {"action": "suspend", "reason": "x"}).status_code == 403
    assert Tenant.objects.get(pk=company.pk).state == "active"


def test_a_company_is_suspended_with_a_reason_and_resumed(operator: Client, company: Tenant) -> None:
    act = f"{page_of(company)}act/"
    without = operator.post(act, {"action": "suspend", "reason": "  "})
    assert (without.status_code, b"Say why" in without.content) == (422, True)

    assert operator.post(act, {"action": "suspend", "reason": "Not paid."}).status_code == 302
    company.refresh_from_db()
    assert (company.state, company.state_reason, company.version > 1) == ("suspended", "Not paid.", True)

    assert operator.post(act, {"action": "resume"}).status_code == 302
    company.refresh_from_db()
    assert (company.state, company.state_reason) == ("active", "")


def test_what_does_not_fit_its_state_is_refused_in_words(operator: Client, company: Tenant) -> None:
    Tenant.objects.filter(pk=company.pk).update(state="pending_deletion")
    answer = operator.post(f"{page_of(company)}act/", {"action": "resume"})
    assert (answer.status_code, b"that has to end first" in answer.content) == (422, True)


def test_the_platform_cannot_shut_itself_out(operator: Client, tenant: TenantRef) -> None:
    answer = operator.post(f"/platform/companies/{tenant.id}/act/", {"action": "suspend", "reason": "oops"})
    assert (answer.status_code, b"stays open" in answer.content) == (422, True)


def test_a_move_leads_to_its_operation(
    operator: Client, company: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Operation] = []
    monkeypatch.setattr(standing, "ask_for_run", asked.append)
    Tenant.objects.filter(pk=company.pk).update(region="elsewhere")
    answer = operator.post(f"{page_of(company)}act/", {"action": "move", "to": "cell_2"})
    operation = Operation.objects.get(tenant_id=company.pk, kind="move")
    assert answer["Location"] == f"/platform/operations/{operation.pk}/"
    assert asked == [operation]
    assert operation.asked_by == "Olga Owner-Example"


def test_an_export_leads_to_its_operation(operator: Client, company: Tenant) -> None:
    answer = operator.post(f"{page_of(company)}act/", {"action": "export"})
    operation = Operation.objects.get(tenant_id=company.pk, kind="export")
    assert answer["Location"] == f"/platform/operations/{operation.pk}/"


def test_a_company_is_deleted_by_who_types_its_address_and_kept_again(
    operator: Client, company: Tenant
) -> None:
    act = f"{page_of(company)}act/"
    wrong = operator.post(act, {"action": "delete", "confirm": "north"})
    assert (wrong.status_code, b"to say that you mean it" in wrong.content) == (422, True)

    assert operator.post(act, {"action": "delete", "confirm": "south"}).status_code == 302
    company.refresh_from_db()
    assert company.state == "pending_deletion"
    assert company.delete_after is not None

    assert operator.post(act, {"action": "keep"}).status_code == 302
    kept = Tenant.objects.get(pk=company.pk)
    assert (kept.state, kept.delete_after) == ("active", None)


def test_a_company_that_has_its_owner_needs_no_link(operator: Client, company: Tenant) -> None:
    answer = operator.post(f"{page_of(company)}act/", {"action": "invite-owner"})
    assert (answer.status_code, b"has its owner" in answer.content) == (422, True)


def test_an_unknown_company_is_not_found(operator: Client) -> None:
    assert operator.get("/platform/companies/00000000-0000-0000-0000-000000000000/").status_code == 404
