"""People come in, get roles and are shut out, within the limits of whoever does it."""

import pytest

from tenants.accounts.access import SYSTEM, Role, UserActor
from tenants.accounts.invitations.services import invite_user
from tenants.accounts.models import Invitation, RoleBinding, User
from tenants.accounts.selectors import actor_for, owners, visible_users
from tenants.accounts.services import (
    change_role,
    create_user,
    deactivate_user,
    ensure_department,
    ensure_first_owner,
    reactivate_user,
    update_profile,
)
from tenants.accounts.tokens.services import actor_for_token, create_api_token
from tenants.foundation.errors import Conflict, Forbidden, InvalidInput
from tenants.tenancy import TenantRef
from tests.people import PASSWORD, person


def create(actor: object = SYSTEM, **changes: object) -> User:
    values: dict[str, object] = {
        "email": "New.Person@Example.com ",
        "name": " New Person-Example ",
        "role": Role.MEMBER,
        "password": PASSWORD,
        "actor": actor,
    } | changes
    return create_user(**values)  # type: ignore[arg-type]


def test_an_address_is_kept_in_lower_case_and_names_are_trimmed(tenant: TenantRef) -> None:
    user = create()
    assert (user.email, user.name) == ("new.person@example.com", "New Person-Example")
    assert user.check_password(PASSWORD)
    assert actor_for(user).role is Role.MEMBER


def test_the_same_address_in_another_case_is_taken(tenant: TenantRef) -> None:
    create()
    with pytest.raises(Conflict) as caught:
        create(email="NEW.PERSON@example.com")
    assert "email" in caught.value.fields


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"email": "nobody"}, "email"),
        ({"email": ""}, "email"),
        ({"name": "  "}, "name"),
        ({"password": "short"}, "password"),
        ({"password": "password1234"}, "password"),
        ({"password": "new.person@example.com"}, "password"),
    ],
)
def test_wrong_values_are_named_and_nobody_is_made(
    tenant: TenantRef, changes: dict[str, object], field: str
) -> None:
    before = User.objects.count()
    with pytest.raises(InvalidInput) as caught:
        create(**changes)
    assert field in caught.value.fields
    assert User.objects.count() == before


def test_without_a_password_nobody_can_sign_in_with_one(tenant: TenantRef) -> None:
    assert not create(password=None).has_usable_password()


@pytest.mark.parametrize("role", [Role.GUEST, Role.MEMBER, Role.MANAGER])
def test_only_admins_and_owners_let_people_in(tenant: TenantRef, role: Role) -> None:
    with pytest.raises(Forbidden):
        create(person(tenant, role, "Low Person-Example"))


def test_an_admin_cannot_make_an_owner(admin: UserActor) -> None:
    with pytest.raises(Forbidden) as caught:
        create(admin, role=Role.OWNER)
    assert caught.value.code == "forbidden.role_above_own"


def test_the_first_owner_is_made_once(tenant: TenantRef) -> None:
    first = ensure_first_owner(email="boss@x.example", name="Bo Boss-Example", password=PASSWORD)
    again = ensure_first_owner(email="Boss@x.example", name="Other", password=None)
    assert first.pk == again.pk
    assert again.check_password(PASSWORD)
    assert owners().filter(user=first).count() == 1


def test_a_role_is_replaced_not_added(owner: UserActor, member: UserActor) -> None:
    change_role(user=member.user, role=Role.MANAGER, actor=owner)
    assert actor_for(member.user).roles == {Role.MANAGER}
    assert RoleBinding.objects.get(user=member.user).granted_by_id == owner.user_id


def test_an_admin_cannot_touch_an_owner(owner: UserActor, admin: UserActor) -> None:
    with pytest.raises(Forbidden) as changing:
        change_role(user=owner.user, role=Role.GUEST, actor=admin)
    with pytest.raises(Forbidden) as deactivating:
        deactivate_user(user=owner.user, actor=admin)
    assert changing.value.code == deactivating.value.code == "forbidden.person_above"


def test_an_admin_cannot_raise_themselves(admin: UserActor) -> None:
    with pytest.raises(Forbidden):
        change_role(user=admin.user, role=Role.OWNER, actor=admin)


def test_the_last_owner_stays(owner: UserActor) -> None:
    with pytest.raises(Conflict) as caught:
        change_role(user=owner.user, role=Role.ADMIN, actor=owner)
    assert caught.value.code == "conflict.last_owner"
    assert actor_for(owner.user).role is Role.OWNER


def test_with_a_second_owner_the_first_may_step_down(tenant: TenantRef, owner: UserActor) -> None:
    person(tenant, Role.OWNER, "Second Owner-Example")
    change_role(user=owner.user, role=Role.MEMBER, actor=owner)
    assert owners().count() == 1


def test_an_owner_who_cannot_sign_in_does_not_count(tenant: TenantRef, owner: UserActor) -> None:
    second = person(tenant, Role.OWNER, "Second Owner-Example")
    deactivate_user(user=second.user, actor=owner)
    with pytest.raises(Conflict):
        change_role(user=owner.user, role=Role.MEMBER, actor=owner)


def test_nobody_deactivates_themselves(admin: UserActor) -> None:
    with pytest.raises(Conflict):
        deactivate_user(user=admin.user, actor=admin)


def test_a_deactivated_person_loses_tokens_and_invitations_at_once(
    owner: UserActor, admin: UserActor
) -> None:
    token = create_api_token(actor=admin, name="x", scopes=["accounts.view_users"]).token.reveal()
    invite_user(email="later@x.example", role=Role.MEMBER, actor=admin)
    assert actor_for_token(token) is not None
    deactivate_user(user=admin.user, actor=owner)
    assert actor_for_token(token) is None
    assert Invitation.objects.get().state == Invitation.State.REVOKED
    reactivate_user(user=admin.user, actor=owner)
    assert actor_for_token(token) is None


@pytest.mark.parametrize(
    ("new_role", "left"),
    [(Role.MEMBER, set()), (Role.ADMIN, {"admin", "member"}), (Role.OWNER, set(Role.values))],
)
def test_who_loses_a_role_takes_back_the_invitations_it_allowed(
    tenant: TenantRef, owner: UserActor, new_role: Role, left: set[str]
) -> None:
    second = person(tenant, Role.OWNER, "Second Owner-Example")
    for role in (Role.OWNER, Role.ADMIN, Role.MEMBER):
        invite_user(email=f"{role}@friend.example", role=role, actor=second)
    invite_user(email="other@friend.example", role=Role.OWNER, actor=owner)
    change_role(user=second.user, role=new_role, actor=owner)
    open_ones = Invitation.objects.filter(revoked_at=None)
    assert set(open_ones.filter(invited_by=second.user).values_list("role", flat=True)) == left & {
        "owner", "admin", "member",
    }  # fmt: skip
    assert open_ones.filter(invited_by=owner.user).count() == 1


def test_people_change_their_own_profile_only(member: UserActor, owner: UserActor) -> None:
    update_profile(user=member.user, actor=member, name="Mia Renamed-Example", language="de", theme="dark")
    saved = User.objects.get(pk=member.user_id)
    assert (saved.name, saved.language, saved.theme) == ("Mia Renamed-Example", "de", "dark")
    with pytest.raises(Forbidden):
        update_profile(user=member.user, actor=owner, name="Renamed")


def test_guests_do_not_see_who_is_here_and_members_do(guest: UserActor, member: UserActor) -> None:
    with pytest.raises(Forbidden):
        visible_users(actor=guest)
    assert member.user in visible_users(actor=member)


def test_a_department_is_found_by_name_whatever_its_case(admin: UserActor, member: UserActor) -> None:
    first = ensure_department(name="Warehouse", key="wh", actor=admin, color=2)
    assert ensure_department(name="WAREHOUSE", key="x", actor=admin) == first
    assert first.key == "WH"
    with pytest.raises(Forbidden):
        ensure_department(name="Other", key="O", actor=member)
