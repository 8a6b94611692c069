"""Groups as a directory tells them, and the roles they give."""

from uuid import UUID

import pytest
from django.db import connections
from django.test.utils import CaptureQueriesContext

from tenants.accounts.access import SYSTEM, Role, UserActor
from tenants.accounts.access.bindings import Holder, grant_role
from tenants.accounts.access.gathering import gathered_actor
from tenants.accounts.access.groups import delete_group, set_members
from tenants.accounts.models import (
    Group,
    GroupMembership,
    RoleBinding,
    ScimDirectory,
    ScimPerson,
    User,
    UserSession,
)
from tenants.accounts.scim import mapping
from tenants.foundation.errors import Conflict, Forbidden, InvalidInput, NotFound
from tenants.tenancy import TenantRef
from tenants.tenancy.transactions import current_alias
from tests.people import person, signed_in_client
from tests.tenants.accounts.scim.conftest import GROUP, ScimClient


@pytest.mark.parametrize(
    "members",
    [
        [{"value": "nobody"}],
        [{"value": "019ab2c4-0a00-7000-8000-000000000001"}],
        [{"value": "019ab2c4-0a00-7000-8000-000000000001", "type": "Group"}],
        ["text"],
        "text",
    ],
)
def test_only_people_of_the_directory_are_in_its_groups(scim: ScimClient, members: object) -> None:
    group = scim.group("Empty")
    answer = scim.patch(f"/Groups/{group['id']}", {"op": "add", "path": "members", "value": members})
    assert (answer.status_code, answer.json()["scimType"]) == (400, "invalidValue")
    assert not GroupMembership.objects.filter(group=group["id"]).exists()


def test_people_of_the_company_who_are_not_in_the_directory_stay_out(
    scim: ScimClient, admin: UserActor
) -> None:
    group = scim.group("Admins")
    add = {"op": "add", "path": "members", "value": [{"value": str(admin.user_id)}]}
    assert scim.patch(f"/Groups/{group['id']}", add).status_code == 400


def test_a_group_is_ruled_by_its_directory(scim: ScimClient, admin: UserActor) -> None:
    made = scim.group("Ruled", scim.user("ann")["id"])
    group = Group.objects.get(pk=made["id"])
    assert group.source == "scim"
    with pytest.raises(Conflict, match="kept by the directory"):
        set_members(group=group, user_ids=[], actor=admin)
    with pytest.raises(Conflict, match="kept by the directory"):
        delete_group(group=group, actor=admin)
    with pytest.raises(Conflict, match="owner"):
        grant_role(holder=Holder("group", group.pk), role=Role.OWNER, actor=SYSTEM)


def test_a_change_of_one_member_reads_none_of_the_others(scim: ScimClient, directory: ScimDirectory) -> None:
    group = scim.group("Large")
    people = User.objects.bulk_create(
        User(email=f"p{number}@people.example", name=f"P {number}") for number in range(1000)
    )
    ScimPerson.objects.bulk_create(
        ScimPerson(directory=directory, user=each, user_name=each.email, user_name_key=each.email)
        for each in people
    )
    members = [{"value": str(each.pk)} for each in people]
    add = {"op": "add", "path": "members", "value": members}
    assert scim.patch(f"/Groups/{group['id']}", add).status_code == 204
    one = scim.user("one")
    with CaptureQueriesContext(connections[current_alias()]) as asked:
        more = {"op": "add", "path": "members", "value": [{"value": one["id"]}]}
        assert scim.patch(f"/Groups/{group['id']}", more).status_code == 204
    about = [each["sql"] for each in asked if 'FROM "accounts_groupmembership"' in each["sql"]]
    assert len(about) == 1
    assert one["id"].replace("-", "") in about[0].replace("-", "")
    assert len(asked) < 25
    with CaptureQueriesContext(connections[current_alias()]) as asked:
        less = {"op": "remove", "path": f'members[value eq "{one["id"]}"]'}
        assert scim.patch(f"/Groups/{group['id']}", less).status_code == 204
    assert len(asked) < 20
    assert GroupMembership.objects.filter(group=group["id"]).count() == 1000
    assert len(scim.get(f"/Groups/{group['id']}").json()["members"]) == 1000


def roles_of(user_id: str) -> set[str]:
    return {role.value for role in gathered_actor(User.objects.get(pk=user_id)).roles}


def test_a_group_gives_a_role_and_takes_it_with_the_sign_ins(
    scim: ScimClient, directory: ScimDirectory, admin: UserActor, host: str
) -> None:
    ann, ben = scim.user("ann"), scim.user("ben")
    group = UUID(scim.group("Leads", ann["id"])["id"])
    changes, total = mapping.would_change(directory, {group: "manager"}, actor=admin)
    assert [(str(each.user.pk), each.gets, each.loses) for each in changes] == [(ann["id"], ("Manager",), ())]
    assert total == 1
    assert not RoleBinding.objects.filter(group=group).exists()  # a dry run
    mapping.set_mapping(directory, {group: "manager"}, actor=admin)
    assert roles_of(ann["id"]) == {"member", "manager"}
    signed_in_client(host, gathered_actor(User.objects.get(pk=ann["id"])))
    signed_in_client(host, gathered_actor(User.objects.get(pk=ben["id"])))
    swap = [
        {"op": "remove", "path": f'members[value eq "{ann["id"]}"]'},
        {"op": "add", "path": "members", "value": [{"value": ben["id"]}]},
    ]
    assert scim.patch(f"/Groups/{group}", *swap).status_code == 204
    assert (roles_of(ann["id"]), roles_of(ben["id"])) == ({"member"}, {"member", "manager"})
    ended = UserSession.objects.filter(user__in=[ann["id"], ben["id"]], ended_because="role")
    assert ended.count() == 2
    assert scim.send("DELETE", f"/Groups/{group}").status_code == 204
    assert roles_of(ben["id"]) == {"member"}


def test_nobody_maps_what_they_do_not_hold_and_never_an_owner(
    scim: ScimClient, directory: ScimDirectory, admin: UserActor, tenant: TenantRef, owner: UserActor
) -> None:
    group = UUID(scim.group("Leads")["id"])
    security = person(tenant, Role.SECURITY, "Sid Security-Example")
    with pytest.raises(Forbidden):
        mapping.set_mapping(directory, {group: "member"}, actor=security)
    with pytest.raises(Forbidden):
        mapping.would_change(directory, {group: "member"}, actor=person(tenant, Role.MEMBER, "Mo"))
    for actor in (admin, owner):
        with pytest.raises(InvalidInput, match="owner"):
            mapping.set_mapping(directory, {group: "owner"}, actor=actor)
    own = Group.objects.create(name="By hand")
    with pytest.raises(NotFound):
        mapping.set_mapping(directory, {own.pk: "member"}, actor=admin)


def test_duties_that_stay_apart_do_not_meet_by_a_directory(
    scim: ScimClient, directory: ScimDirectory, admin: UserActor
) -> None:
    ann = scim.user("ann")
    RoleBinding.objects.create(user_id=ann["id"], role=Role.ADMIN)
    group = UUID(scim.group("Auditors")["id"])
    mapping.set_mapping(directory, {group: "auditor"}, actor=SYSTEM)
    add = {"op": "add", "path": "members", "value": [{"value": ann["id"]}]}
    answer = scim.patch(f"/Groups/{group}", add)
    assert answer.status_code == 409
    assert not GroupMembership.objects.filter(group=group).exists()


@pytest.mark.parametrize(
    "name", ["Own\u202eers", "Own\u200bers", "Own\ners", "\u3164", "Own\u0007ers", "a" * 201]
)
def test_a_group_whose_name_cannot_be_read_is_refused_however_it_comes(scim: ScimClient, name: str) -> None:
    group = scim.group("Sales")["id"]
    rename = {"op": "replace", "path": "displayName", "value": name}
    answers = [
        scim.post("/Groups", {"schemas": [GROUP], "displayName": name}),
        scim.send("PUT", f"/Groups/{group}", {"schemas": [GROUP], "displayName": name}),
        scim.patch(f"/Groups/{group}", rename),
        scim.patch(f"/Groups/{group}", {"op": "replace", "value": {"displayName": name}}),
    ]
    assert {(each.status_code, each.json()["scimType"]) for each in answers} == {(400, "invalidValue")}
    assert scim.get(f"/Groups/{group}").json()["displayName"] == "Sales"


def test_a_groups_name_is_kept_composed(scim: ScimClient) -> None:
    made = scim.group("Buchfu\u0308hrung 👩\u200d💻")
    assert made["displayName"] == "Buchf\u00fchrung 👩\u200d💻"
    assert scim.get('/Groups?filter=displayName eq "Buchf\u00fchrung 👩\u200d💻"').json()["totalResults"] == 1


def test_a_group_named_like_a_role_gives_nothing_and_is_pointed_out(
    scim: ScimClient, directory: ScimDirectory, admin: UserActor
) -> None:
    person = scim.user("ann")["id"]
    for name in ("Оwners", "Administrator", "Sales"):
        scim.group(name, person)
    resembles = {each.name: each.resembles for each in mapping.mapping_of(directory, actor=admin)}
    assert (resembles["Оwners"], resembles["Sales"]) == ("Owner", "")
    assert gathered_actor(User.objects.get(pk=person)).roles == frozenset({Role.MEMBER})
