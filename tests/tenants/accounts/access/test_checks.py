"""Denied by default; what a role holds, its holder may do, and nothing else."""

import pytest
from django.db import connections
from django.test.utils import CaptureQueriesContext

from tenants.accounts.access import (
    SYSTEM,
    Permission,
    Role,
    UnknownPermission,
    UserActor,
    all_permissions,
    can,
    codes_of,
    register_permissions,
    require,
)
from tenants.accounts.access import catalogue as catalogue_module
from tenants.accounts.access import checks as checks_module
from tenants.accounts.selectors import actor_for
from tenants.foundation.errors import Forbidden
from tenants.tenancy import TenantRef


@pytest.fixture
def _own_catalogue(monkeypatch: pytest.MonkeyPatch) -> None:
    """A catalogue of this test only."""
    monkeypatch.setattr(catalogue_module, "_catalogue", dict(catalogue_module._catalogue))
    monkeypatch.setattr(catalogue_module, "_codes_of", {})
    monkeypatch.setattr(checks_module, "_object_rules", {})
    register_permissions(
        Permission(code="things.view", label="See things", held_from=Role.GUEST),
        Permission(code="things.edit", label="Edit things", held_from=Role.MANAGER),
        Permission(code="things.sell", label="Sell the company", held_from=Role.OWNER),
    )


def test_nobody_may_do_anything() -> None:
    assert not can(None, "accounts.view_users")
    with pytest.raises(Forbidden):
        require(None, "accounts.view_users")


def test_a_user_without_a_role_may_do_nothing(member: UserActor) -> None:
    stripped = UserActor(user=member.user, roles=frozenset())
    assert not any(can(stripped, each.code) for each in all_permissions())


@pytest.mark.usefixtures("_own_catalogue")
def test_each_role_holds_what_lower_roles_hold(member: UserActor) -> None:
    held = {
        role: {
            code
            for code in ("things.view", "things.edit", "things.sell")
            if can(UserActor(user=member.user, roles=frozenset({role})), code)
        }
        for role in Role
    }
    assert held[Role.GUEST] == held[Role.MEMBER] == {"things.view"}
    assert held[Role.MANAGER] == held[Role.ADMIN] == {"things.view", "things.edit"}
    assert held[Role.OWNER] == {"things.view", "things.edit", "things.sell"}


def test_the_system_may_do_everything_that_is_registered() -> None:
    assert all(can(SYSTEM, each.code) for each in all_permissions())
    with pytest.raises(UnknownPermission):
        can(SYSTEM, "things.invented")


def test_asking_for_an_unregistered_permission_is_our_mistake(owner: UserActor) -> None:
    with pytest.raises(UnknownPermission, match=r"tasks\.fly"):
        require(owner, "tasks.fly")


def test_a_refusal_names_the_permission_in_words(guest: UserActor) -> None:
    with pytest.raises(Forbidden, match="Invite people") as caught:
        require(guest, "accounts.invite_users")
    assert caught.value.params == {
        "permission": "accounts.invite_users",
        "label": "Invite people",
        "reason": "no_role",
        "held_by": ["owner", "admin"],
    }


def test_a_deactivated_user_holds_nothing(admin: UserActor) -> None:
    admin.user.is_active = False
    assert not can(admin, "accounts.invite_users")


def test_a_token_holds_only_what_its_scopes_leave(admin: UserActor) -> None:
    limited = UserActor(user=admin.user, roles=admin.roles, token_scopes=frozenset({"accounts.view_users"}))
    assert can(limited, "accounts.view_users")
    assert not can(limited, "accounts.invite_users")


def test_a_scope_gives_nothing_the_user_does_not_hold(guest: UserActor) -> None:
    wide = UserActor(
        user=guest.user, roles=guest.roles, token_scopes=frozenset(each.code for each in all_permissions())
    )
    assert not can(wide, "accounts.invite_users")


def test_an_owner_of_a_company_holds_nothing_of_the_platform(owner: UserActor) -> None:
    assert "platform.see_companies" in codes_of(Role.OWNER)
    assert not can(owner, "platform.see_companies")


@pytest.mark.usefixtures("_own_catalogue")
def test_a_rule_about_objects_narrows_a_permission(member: UserActor) -> None:
    checks_module.register_object_rule("things.view", lambda actor, thing: thing == "shared")
    assert can(member, "things.view", on="shared")
    assert not can(member, "things.view", on="secret")
    assert can(member, "things.view")
    assert can(SYSTEM, "things.view", on="secret")


@pytest.mark.usefixtures("_own_catalogue")
def test_one_code_cannot_mean_two_things() -> None:
    register_permissions(Permission(code="things.view", label="See things", held_from=Role.GUEST))
    with pytest.raises(ValueError, match="registered twice"):
        register_permissions(Permission(code="things.view", label="See things", held_from=Role.OWNER))


@pytest.mark.parametrize("code", ["view", "Things.view", "things.view.all", "things-view", ""])
def test_a_code_has_the_form_package_verb(code: str) -> None:
    with pytest.raises(ValueError, match=r"package\.verb"):
        Permission(code=code, label="x", held_from=Role.GUEST)


def test_finding_an_actor_takes_one_query_and_asking_none(member: UserActor, tenant: TenantRef) -> None:
    with CaptureQueriesContext(connections[tenant.cell]) as queries:
        actor = actor_for(member.user)
        for each in all_permissions():
            can(actor, each.code)
    assert len([query for query in queries if "SAVEPOINT" not in query["sql"]]) == 1
