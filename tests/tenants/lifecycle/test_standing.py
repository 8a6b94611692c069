"""What operators do to a company from the shell and from services: suspend, read-only, resume, move, export."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from tenants.accounts.access import SYSTEM, Role, UserActor
from tenants.foundation.errors import Conflict, Forbidden, InvalidInput, NotFound
from tenants.lifecycle.standing import (
    export_company,
    invite_owner_again,
    make_read_only,
    move_company,
    resume_company,
    suspend_company,
)
from tenants.models import Tenant
from tenants.tenancy import TenantRef, tenant_scope
from tests.people import person


def told(*arguments: str, **options: object) -> str:
    out = StringIO()
    call_command("tenant", *arguments, stdout=out, **options)
    return out.getvalue()


def test_the_shell_suspends_tells_and_resumes(tenant: TenantRef) -> None:
    assert json.loads(told("status", tenant.slug, json=True))["state"] == "active"
    facts = json.loads(told("suspend", tenant.slug, reason=" Not   paid. ", json=True))
    assert (facts["state"], facts["reason"], facts["jobs_given_up"]) == ("suspended", "Not paid.", 0)
    assert "suspended" in told("status", tenant.slug)
    assert (
        json.loads(told("read-only", tenant.slug, reason="Being checked.", json=True))["state"] == "read_only"
    )
    assert json.loads(told("resume", tenant.slug, json=True))["reason"] == ""


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("suspend", "north"), "Say why"),
        (("status", "nobody"), "There is no company nobody"),
    ],
)
def test_the_shell_says_what_is_wrong(tenant: TenantRef, arguments: tuple[str, str], words: str) -> None:
    with pytest.raises(CommandError, match=words):
        told(*arguments)


@pytest.mark.parametrize("state", ["provisioning", "moving", "pending_deletion", "deleted"])
def test_what_is_under_way_has_to_end_first(tenant: TenantRef, state: str) -> None:
    Tenant.objects.filter(pk=tenant.id).update(state=state)
    for act in (suspend_company, make_read_only):
        with pytest.raises(Conflict, match="has to end first"):
            act(tenant_id=tenant.id, reason="x", actor=SYSTEM)
    with pytest.raises(Conflict, match="has to end first"):
        resume_company(tenant_id=tenant.id, actor=SYSTEM)


def test_an_export_does_not_keep_a_company_from_being_suspended(tenant: TenantRef) -> None:
    Tenant.objects.filter(pk=tenant.id).update(state="exporting")
    assert suspend_company(tenant_id=tenant.id, reason="Abuse.", actor=SYSTEM).state == "suspended"


def test_a_reason_fits_on_a_page(tenant: TenantRef) -> None:
    with pytest.raises(InvalidInput):
        suspend_company(tenant_id=tenant.id, reason="x" * 301, actor=SYSTEM)


def test_a_reason_is_made_of_what_can_be_seen(tenant: TenantRef) -> None:
    done = suspend_company(tenant_id=tenant.id, reason="Not\x00 paid\u202e \u2066since May.", actor=SYSTEM)
    assert done.state_reason == "Not paid since May."
    with pytest.raises(InvalidInput):
        suspend_company(tenant_id=tenant.id, reason="\u202e\x00", actor=SYSTEM)


def test_an_owner_of_a_company_is_no_operator(owner: UserActor, tenant: TenantRef) -> None:
    for attempt in (
        lambda: suspend_company(tenant_id=tenant.id, reason="x", actor=owner),
        lambda: resume_company(tenant_id=tenant.id, actor=owner),
        lambda: export_company(tenant_id=tenant.id, actor=owner),
        lambda: move_company(tenant_id=tenant.id, to="cell_2", actor=owner),
        lambda: invite_owner_again(tenant_id=tenant.id, actor=owner),
    ):
        with pytest.raises(NotFound):
            attempt()


def test_a_move_stays_in_the_companys_region(tenant: TenantRef) -> None:
    with pytest.raises(Conflict, match="region"):
        move_company(tenant_id=tenant.id, to="cell_2", actor=SYSTEM)
    moving = move_company(tenant_id=tenant.id, to="cell_2", actor=SYSTEM, may_change_region=True)
    assert (moving.kind, moving.input["to"]) == ("move", "cell_2")
    with pytest.raises(Conflict, match="not finished"):
        export_company(tenant_id=tenant.id, actor=SYSTEM)


def test_forbidden_is_what_an_onlooker_hears_on_the_platform(
    other_tenant: TenantRef, companies: tuple[Tenant, Tenant], database: None
) -> None:
    Tenant.objects.filter(pk=companies[0].pk).update(slug="platform")
    ref = Tenant.objects.get(pk=companies[0].pk).ref
    with tenant_scope(ref):
        onlooker = person(ref, Role.MEMBER, "Otto Onlooker-Example")
        with pytest.raises(Forbidden):
            suspend_company(tenant_id=other_tenant.id, reason="x", actor=onlooker)
