"""Asking and deciding: who may, for how much, once."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.db import OperationalError, connections
from django.utils import timezone

from tenants.accounts.access import SYSTEM, Role
from tenants.accounts.models import SupportVisit
from tenants.accounts.support.visits import end_visits, ensure_visitor, hold_open
from tenants.foundation.errors import Conflict, Forbidden, InvalidInput, NotFound
from tenants.foundation.ids import uuid7
from tenants.models import OperatorGrant, Tenant
from tenants.operator_access.asking import ask_to_enter, give_back, grants_of
from tenants.operator_access.deciding import approve, is_shut, refuse, revoke, set_rule, visible_grants
from tenants.operator_access.letters import post_to_company, post_to_operator
from tenants.tenancy import TenantRef, atomic, tenant_scope
from tests.people import person, token_client
from tests.tenants.operator_access.conftest import Scene


@pytest.mark.parametrize(
    "wrong",
    [
        {"reason": "  "},
        {"reason": "x" * 501},
        {"minutes": 4},
        {"minutes": 481},
        {"role": "owner"},
        {"role": ""},
    ],
    ids=["blank", "long", "short", "eternal", "owner", "none"],
)
def test_a_request_is_whole_and_bounded(scene: Scene, wrong: dict[str, Any]) -> None:
    asked = {"company_id": scene.company.id, "reason": "Help", "role": "admin", "minutes": 60, **wrong}
    with tenant_scope(scene.platform), pytest.raises(InvalidInput):
        ask_to_enter(actor=scene.operator, **asked)


def test_on_a_companys_host_nobody_asks(scene: Scene) -> None:
    with pytest.raises(NotFound):
        ask_to_enter(company_id=scene.company.id, reason="Help", role="admin", minutes=60, actor=scene.owner)


def test_who_only_looks_at_the_platform_does_not_ask(scene: Scene) -> None:
    with tenant_scope(scene.platform):
        onlooker = person(scene.platform, Role.MEMBER, "Otto Onlooker-Example")
        assert list(grants_of(actor=onlooker)) == []
    with pytest.raises(Forbidden):
        scene.ask(actor=onlooker)


def test_the_platform_cannot_be_entered_and_neither_can_nobody(scene: Scene) -> None:
    for company_id in (scene.platform.id, scene.owner.user_id):
        with tenant_scope(scene.platform), pytest.raises(NotFound):
            ask_to_enter(company_id=company_id, reason="Help", role="admin", minutes=60, actor=scene.operator)


def test_one_asks_once(scene: Scene) -> None:
    scene.ask()
    with pytest.raises(Conflict):
        scene.ask()


def test_a_company_that_is_no_more_is_not_offered(scene: Scene) -> None:
    window, choice = scene.operators_window(), f'value="{scene.company.slug}"'
    assert choice in window.get("/platform/access/").content.decode()
    Tenant.objects.filter(pk=scene.company.id).update(state=Tenant.State.DELETED)
    assert choice not in window.get("/platform/access/").content.decode()


def test_a_company_that_wants_nobody_is_not_asked(scene: Scene) -> None:
    asked = scene.ask()
    set_rule(shut=True, actor=scene.owner)
    asked.refresh_from_db()
    assert asked.state == "refused"
    with pytest.raises(Conflict, match="lets no operator"):
        scene.ask()
    set_rule(shut=False, actor=scene.owner)
    assert scene.ask().state == "asked"


@pytest.mark.parametrize(
    ("role", "minutes"), [("admin", 30), ("read_only", 61), ("read_only", 4), ("owner", 30)]
)
def test_nobody_gives_more_than_was_asked_for(scene: Scene, role: str, minutes: int) -> None:
    grant = scene.ask(role="read_only", minutes=60)
    with pytest.raises(InvalidInput):
        approve(grant_id=grant.pk, role=role, minutes=minutes, actor=scene.owner)
    assert OperatorGrant.objects.get(pk=grant.pk).state == "asked"


def test_nobody_is_let_in_where_it_could_not_be_written_down(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_events: object) -> None:
        raise OperationalError("The company's database is away.")

    monkeypatch.setattr("tenants.operator_access.deciding.publish", fails)
    grant = scene.ask(role="read_only", minutes=60)
    with pytest.raises(OperationalError):
        approve(grant_id=grant.pk, role="read_only", minutes=30, actor=scene.owner)
    assert OperatorGrant.objects.get(pk=grant.pk).state == "asked"
    with pytest.raises(OperationalError):
        set_rule(shut=True, actor=scene.owner)
    assert not is_shut()


def test_less_can_be_given(scene: Scene) -> None:
    grant = scene.ask(role="admin", minutes=60)
    given = approve(grant_id=grant.pk, role="read_only", minutes=5, actor=scene.owner)
    assert (given.role, given.ends_at and given.decided_at and (given.ends_at - given.decided_at).seconds) == (
        "read_only", 300,
    )  # fmt: skip


@pytest.mark.parametrize("role", [Role.ADMIN, Role.AUDITOR, Role.MANAGER, Role.MEMBER])
def test_only_owners_and_security_decide(scene: Scene, role: Role) -> None:
    grant = scene.ask()
    somebody = person(scene.company, role, "Sam Somebody-Example")
    for act in (
        lambda: approve(grant_id=grant.pk, role="admin", minutes=60, actor=somebody),
        lambda: refuse(grant_id=grant.pk, actor=somebody),
        lambda: revoke(grant_id=grant.pk, actor=somebody),
        lambda: set_rule(shut=False, actor=somebody),
    ):
        with pytest.raises(Forbidden):
            act()
    with pytest.raises(Forbidden):
        approve(grant_id=grant.pk, role="admin", minutes=60, actor=SYSTEM)


def test_a_program_decides_nothing(scene: Scene) -> None:
    grant = scene.ask()
    program = token_client(scene.company_host, scene.owner)
    path = f"/api/v1/support-access/{grant.pk}/"
    assert program.get(path).status_code == 200
    answer = program.post(f"{path}approve/", {"role": "admin", "minutes": 60})
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden.person_needed")


def test_a_decision_is_made_once(scene: Scene) -> None:
    grant = scene.granted()
    with pytest.raises(Conflict):
        approve(grant_id=grant.pk, role="admin", minutes=60, actor=scene.owner)
    with pytest.raises(Conflict):
        refuse(grant_id=grant.pk, actor=scene.owner)
    revoke(grant_id=grant.pk, actor=scene.owner)
    with pytest.raises(Conflict):
        revoke(grant_id=grant.pk, actor=scene.owner)


def test_another_companys_requests_are_not_seen(scene: Scene) -> None:
    grant = scene.ask()
    assert [row.pk for row in visible_grants(actor=scene.owner)] == [grant.pk]
    with tenant_scope(scene.platform):
        assert not visible_grants(actor=SYSTEM).exists()
        with pytest.raises((NotFound, Forbidden)):
            refuse(grant_id=grant.pk, actor=scene.operator)


def test_an_operator_takes_back_their_own_only(scene: Scene) -> None:
    grant = scene.ask()
    with tenant_scope(scene.platform):
        other = person(scene.platform, Role.ADMIN, "Otto Other-Example")
        with pytest.raises(NotFound):
            give_back(grant_id=grant.pk, actor=other)
        assert give_back(grant_id=grant.pk, actor=scene.operator).state == "withdrawn"


def test_those_who_decide_are_told_and_so_is_the_operator(scene: Scene) -> None:
    grant = scene.ask()
    assert post_to_company(grant.pk) == 1
    letter = mail.outbox[0]
    assert letter.to == [scene.owner.user.email]
    assert "A sync run has stopped." in letter.body
    assert f"/settings/support-access/{grant.pk}/" in letter.body
    approve(grant_id=grant.pk, role="admin", minutes=60, actor=scene.owner)
    assert post_to_company(grant.pk) == 0
    with tenant_scope(scene.platform):
        assert post_to_operator(grant.pk) == 1
    assert mail.outbox[-1].to == [scene.operator.user.email]


def test_a_visit_is_not_ended_in_the_middle_of_a_change(committed_tenant: TenantRef) -> None:
    """Whoever holds the visit open finishes; whoever ends it waits, and lets nothing after it pass."""
    order: list[str] = []
    is_held, may_go_on = threading.Event(), threading.Event()
    with tenant_scope(committed_tenant):
        visit = _visit_in()

        def change() -> None:
            with tenant_scope(committed_tenant):
                with atomic():
                    assert hold_open(visit)
                    is_held.set()
                    may_go_on.wait(30)
                    order.append("changed")
                connections.close_all()

        def end() -> None:
            with tenant_scope(committed_tenant):
                end_visits(because="revoked", grant_id=visit.grant_id)
                order.append("ended")
                connections.close_all()

        changing = threading.Thread(target=change)
        changing.start()
        assert is_held.wait(30)
        ending = threading.Thread(target=end)
        ending.start()
        may_go_on.set()
        for thread in (changing, ending):
            thread.join(30)
        assert order == ["changed", "ended"]
        with atomic():
            assert not hold_open(visit)


def _visit_in() -> SupportVisit:
    with atomic():
        user = ensure_visitor(operator_id=uuid7(), name="Olga Operator-Example")
        return SupportVisit.objects.create(
            account=user.support_account, grant_id=uuid7(), role="admin", reason="Help",
            entered_at=timezone.now(), ends_at=timezone.now() + timedelta(hours=1),
        )  # fmt: skip
