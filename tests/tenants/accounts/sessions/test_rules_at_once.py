"""Two people who change the rules for signing in at the same moment: neither change is lost."""

import threading
from typing import Any

import pytest
from django.db import connections
from django.test import Client

from tenants.accounts.access import SYSTEM, Role, UserActor
from tenants.accounts.sessions import policy
from tenants.accounts.sessions.policy import change_rules, current_rules
from tenants.foundation.errors import Conflict
from tenants.tenancy import TenantRef, atomic, tenant_scope
from tests.people import person, signed_in_client
from tests.waiting import wait_until_somebody_waits

HERE = "127.0.0.1"
PAGE = "/settings/sign-in-rules/"


def saved(client: Client, **changed: Any) -> Any:
    """Save what the page showed, but for some fields."""
    form = client.get(PAGE).context["form"]
    return client.post(PAGE, {**shown(form), **changed})


def shown(form: Any) -> dict[str, Any]:
    return {name: value for name, value in form.initial.items() if value is not None}


# --- one after the other, on pages opened before


def test_a_page_opened_before_somebody_elses_change_does_not_undo_it(
    tenant: TenantRef, host: str, owner: UserActor
) -> None:
    admin = signed_in_client(host, person(tenant, Role.ADMIN, "Ada Admin-Example"))
    mine = signed_in_client(host, owner)
    opened = shown(admin.get(PAGE).context["form"])
    assert saved(mine, idle_minutes=30).status_code == 302
    late = admin.post(PAGE, {**opened, "token_max_days": 10})
    assert late.status_code == 409
    assert "Somebody else has changed the rules" in late.content.decode()
    assert (current_rules().idle_minutes, current_rules().token_max_days) == (30, 365)
    assert saved(admin, token_max_days=10).status_code == 302
    assert (current_rules().idle_minutes, current_rules().token_max_days) == (30, 10)


def test_the_mark_is_another_one_for_each_rule(tenant: TenantRef) -> None:
    marks = {current_rules().mark}
    for change in (
        {"idle_minutes": 10},
        {"allowed_networks": ["127.0.0.0/8"]},
        {"mfa_required_for": ["admin"]},
    ):
        change_rules(actor=SYSTEM, address=HERE, **change)
        marks.add(current_rules().mark)
    assert len(marks) == 4
    with pytest.raises(Conflict):
        change_rules(actor=SYSTEM, address=HERE, idle_minutes=11, seen="another")


# --- at the same moment


def test_of_two_changes_at_once_both_hold(
    committed_tenant: TenantRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first is held where it has read the rules, until the second waits for it in the database."""
    first_has_read, second_has_begun = threading.Event(), threading.Event()
    read = policy.current_rules

    def slow_read() -> Any:
        rules = read()
        if threading.current_thread().name == "first" and not first_has_read.is_set():
            first_has_read.set()
            assert second_has_begun.wait(timeout=60)
            wait_until_somebody_waits(committed_tenant)
        return rules

    monkeypatch.setattr(policy, "current_rules", slow_read)
    errors: list[BaseException] = []

    def change(**values: Any) -> None:
        try:
            with tenant_scope(committed_tenant), atomic():
                if threading.current_thread().name == "second":
                    assert first_has_read.wait(timeout=60)
                    second_has_begun.set()
                change_rules(actor=SYSTEM, address=HERE, **values)
        except BaseException as error:  # the thread that asserts is another one
            errors.append(error)
        finally:
            connections.close_all()

    threads = [
        threading.Thread(target=change, name="first", kwargs={"idle_minutes": 30}),
        threading.Thread(target=change, name="second", kwargs={"token_max_days": 10}),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=120)
    assert not errors
    with tenant_scope(committed_tenant), atomic():
        assert (read().idle_minutes, read().token_max_days) == (30, 10)
