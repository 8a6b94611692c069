"""The page of access: roles are given and taken there, refusals are explained and kept."""

from typing import Any

from django.test import Client

from tenants.accounts.access import Role, UserActor, can
from tenants.accounts.models import AccessDenial, CustomRole, Group, RoleBinding
from tenants.accounts.selectors import actor_for
from tests.factories.tasks import make_department, make_project, make_task
from tests.people import token_client

ACCESS = "/settings/access/"


def test_a_role_is_given_for_a_department_and_taken_away(console: Client, guest: UserActor) -> None:
    department = make_department()
    task = make_task(department=department)
    given = console.post(
        f"{ACCESS}grant/",
        {"holder": f"user:{guest.user_id}", "role": "member", "scope": f"department:{department.pk}"},
    )
    assert given.status_code == 302
    assert can(actor_for(guest.user), "tasks.edit", on=task)
    binding = RoleBinding.objects.get(user=guest.user, scope_id=department.pk)
    page = console.get(ACCESS).content.decode()
    assert department.name in page
    assert f"binding-{binding.pk}" in page
    assert console.post(f"{ACCESS}bindings/{binding.pk}/revoke/").status_code == 302
    assert not can(actor_for(guest.user), "tasks.edit", on=task)


def test_what_cannot_be_given_is_said_on_the_page(console: Client, guest: UserActor) -> None:
    answer = console.post(
        f"{ACCESS}grant/", {"holder": f"user:{guest.user_id}", "role": "member", "expires_on": "2001-01-01"}
    )
    assert answer.status_code == 422
    assert "Choose a time to come." in answer.content.decode()


def test_a_role_of_ones_own_and_a_group_are_made_changed_and_deleted(
    console: Client, guest: UserActor
) -> None:
    assert console.post(f"{ACCESS}roles/new/", {"name": "Desk", "codes": ["tasks.view"]}).status_code == 302
    role = CustomRole.objects.get()
    new = {"name": "Desk", "codes": ["tasks.view", "tasks.comment"]}
    assert console.post(f"{ACCESS}roles/{role.pk}/", new).status_code == 302
    role.refresh_from_db()
    assert (role.version, role.codes) == (2, ["tasks.comment", "tasks.view"])
    members = {"name": "Desk people", "members": [str(guest.user_id)]}
    assert console.post(f"{ACCESS}groups/new/", members).status_code == 302
    group = Group.objects.get()
    assert console.post(
        f"{ACCESS}grant/", {"holder": f"group:{group.pk}", "role": str(role.pk)}
    ).status_code == 302  # fmt: skip
    assert can(actor_for(guest.user), "tasks.comment")
    assert b"Desk people" in console.get("/settings/access/").content
    assert console.get("/settings/users/").status_code == 200
    assert console.post(f"{ACCESS}roles/{role.pk}/delete/").status_code == 409
    assert console.post(f"{ACCESS}groups/{group.pk}/delete/").status_code == 302
    assert console.post(f"{ACCESS}roles/{role.pk}/delete/").status_code == 302
    assert not can(actor_for(guest.user), "tasks.comment")


def test_a_refusal_is_explained_and_kept_with_a_count(
    login_as: Any, member: UserActor, console: Client, host: str
) -> None:
    page = login_as(member).get(ACCESS)
    assert page.status_code == 403
    text = page.content.decode()
    assert "accounts.view_access" in text
    assert "Admin" in text or "admin" in text
    login_as(member).get(ACCESS)
    denials = list(AccessDenial.objects.filter(user=member.user, permission="accounts.view_access"))
    assert sum(each.count for each in denials) == 2
    assert {each.reason for each in denials} == {"no_role"}
    assert "accounts.view_access" in console.get(ACCESS).content.decode()


def test_a_program_is_told_what_its_token_lacks(owner: UserActor, host: str) -> None:
    client = token_client(host, owner, scopes=frozenset({"tasks.view"}))
    answer = client.get("/api/v1/roles/")
    assert answer.status_code == 403
    assert answer.json()["access"] == {
        "permission": "accounts.view_access",
        "label": "See who has which role, why, and what was refused",
        "reason": "token",
        "held_by": ["owner", "admin", "security", "auditor"],
    }
    assert client.patch("/api/v1/me/", {"name": "Somebody Else"}, format="json").status_code == 403


def test_a_shared_project_is_all_a_guest_sees(host: str, owner: UserActor, guest: UserActor) -> None:
    shared, hidden = make_project(), make_project()
    inside, outside = make_task(project=shared), make_task(project=hidden)
    giver = token_client(host, owner)
    address = f"/api/v1/projects/{shared.pk}/shares/"
    body = {"user_id": str(guest.user_id), "permissions": ["tasks.comment"]}
    assert giver.post(address, body, format="json").status_code == 201
    assert giver.post(address, body, format="json").json()["permissions"] == ["tasks.comment", "tasks.view"]
    assert len(giver.get(address).json()) == 1
    actor = actor_for(guest.user)
    assert can(actor, "tasks.comment", on=inside)
    assert not can(actor, "tasks.edit", on=inside)
    assert not can(actor, "tasks.comment", on=outside)
    assert giver.delete(f"{address}?user_id={guest.user_id}").status_code == 204
    assert not can(actor_for(guest.user), "tasks.view", on=inside)


def test_a_guest_is_led_to_the_portal_and_reads_nothing_that_is_not_shared(
    login_as: Any, owner: UserActor, guest: UserActor, host: str
) -> None:
    shared, hidden = make_task(title="Shown to guests"), make_task(title="Kept inside")
    giver = token_client(host, owner)
    body = {"user_id": str(guest.user_id)}
    assert giver.post(f"/api/v1/tasks/{shared.key}/shares/", body, format="json").status_code == 201
    browser = login_as(guest)
    page = browser.get("/portal/").content.decode()
    assert "Kept inside" not in page
    assert browser.get("/tasks/").status_code == 404
    assert browser.get(f"/tasks/{hidden.key}/").status_code == 404


def test_roles_by_api(host: str, owner: UserActor, guest: UserActor) -> None:
    api = token_client(host, owner)
    made = api.post("/api/v1/roles/", {"name": "Readers", "permissions": ["tasks.view"]}, format="json")
    assert made.status_code == 201
    key = made.json()["key"]
    body = {"holder_type": "user", "holder_id": str(guest.user_id), "role": key}
    first = api.post("/api/v1/role-bindings/", body, format="json")
    assert (first.status_code, first.json()["role"]) == (201, key)
    assert api.post("/api/v1/role-bindings/", body, format="json").json()["id"] == first.json()["id"]
    listed = api.get(f"/api/v1/role-bindings/?user={guest.user_id}").json()
    assert first.json()["id"] in str(listed)
    assert api.delete(f"/api/v1/role-bindings/{first.json()['id']}/").status_code == 204
    assert api.delete(f"/api/v1/role-bindings/{first.json()['id']}/").status_code == 404
    names = [each["key"] for each in api.get("/api/v1/roles/").json()]
    assert names == [*Role.values, key]
    group = api.post("/api/v1/groups/", {"name": "By program"}, format="json").json()
    members = f"/api/v1/groups/{group['id']}/members/"
    assert api.put(members, {"user_ids": [str(guest.user_id)]}, format="json").status_code == 200
    assert api.get(f"/api/v1/groups/{group['id']}/").json()["size"] == 1
    assert api.delete(f"/api/v1/groups/{group['id']}/").status_code == 204
