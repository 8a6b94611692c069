"""People as a directory tells them: made, found, changed, shut out, let in again."""

from typing import Any

import pytest
from django.test import Client

from tenants.accounts.access import SYSTEM, Role, UserActor
from tenants.accounts.invitations.services import invite_user
from tenants.accounts.models import (
    ApiToken,
    BreakGlassOwner,
    Department,
    ExternalIdentity,
    IdentityProvider,
    Invitation,
    RoleBinding,
    ScimDirectory,
    SsoLogEntry,
    User,
    UserSession,
)
from tenants.accounts.scim.directories import DirectoryChange, change_directory
from tenants.accounts.services import create_user, deactivate_user, reactivate_user, update_profile
from tenants.accounts.sso import provisioning
from tenants.accounts.sso.claims import Claims
from tenants.accounts.tokens.services import create_api_token
from tenants.foundation.errors import Conflict
from tenants.tenancy import TenantRef
from tests.people import PASSWORD, person, signed_in_client
from tests.tenants.accounts.scim.conftest import ENTERPRISE, USER, ScimClient, user_body


def log_of(event: str) -> list[str]:
    """What the company's log says of an event, the oldest first."""
    return list(SsoLogEntry.objects.filter(event=event).order_by("at", "id").values_list("detail", flat=True))


# --- bad input first


@pytest.mark.parametrize(
    ("body", "status", "keyword"),
    [
        ("{", 400, "invalidSyntax"),
        ("[]", 400, "invalidSyntax"),
        ('"text"', 400, "invalidSyntax"),
        ("{}", 400, "invalidValue"),
        ('{"userName": ""}', 400, "invalidValue"),
        ('{"userName": "a", "userName": "b"}', 400, "invalidSyntax"),
        ('{"userName": NaN}', 400, "invalidSyntax"),
        ('{"userName": {"a": 1}}', 400, "invalidValue"),
        ('{"userName": "a\\u0000@people.example"}', 400, "invalidSyntax"),
        ('{"userName": "a@people.example", "emails": "text"}', 400, "invalidValue"),
        ('{"userName": "a@people.example", "emails": [{"value": "none"}]}', 400, "invalidValue"),
        ('{"userName": "a@people.example", "active": "perhaps"}', 400, "invalidValue"),
        ('{"userName": "%s@people.example"}' % ("a" * 300), 400, "invalidValue"),
        ('{"userName": "a@people.example", "title": "%s"}' % ("a" * 300), 400, "invalidValue"),
        ("[" * 100_000, 400, "invalidSyntax"),
        ('{"x":' * 70 + "1" + "}" * 70, 400, "invalidSyntax"),
    ],
)
def test_a_malformed_person_is_refused_in_scims_words(
    scim: ScimClient, body: str, status: int, keyword: str
) -> None:
    answer = scim.post("/Users", body)
    assert (answer.status_code, answer.json().get("scimType")) == (status, keyword)
    assert answer.json()["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:Error"]
    assert answer.json()["status"] == str(status)
    assert answer.headers["Content-Type"].startswith("application/scim+json")
    assert not User.objects.filter(email__endswith="@people.example").exists()


def test_what_is_too_large_or_of_another_kind_is_refused(scim: ScimClient) -> None:
    large = user_body("large", title="x") | {"x": "y" * 1_100_000}
    assert scim.post("/Users", large).status_code == 413
    assert scim.post("/Users", user_body("kind"), content_type="text/plain").status_code == 415
    assert scim.post("/Users", user_body("kind"), content_type="application/json").status_code == 201


def test_an_address_nobody_has_proved_names_no_account(scim: ScimClient, directory: ScimDirectory) -> None:
    victim = create_user(email="vic@else.example", name="Vic", role=Role.MEMBER, password=None, actor=SYSTEM)
    body = user_body("vic", userName="vic@else.example", emails=[{"value": "vic@else.example"}])
    answer = scim.post("/Users", body)
    assert answer.status_code == 400
    assert "no domain the company has verified" in answer.json()["detail"]
    assert not hasattr(User.objects.get(pk=victim.pk), "scim")
    assert any("no domain" in line for line in log_of("scim.user.post"))
    assert scim.post("/Users", user_body("x", userName="no-address", emails=[])).status_code == 400


def test_an_emergency_owner_is_not_taken_over(scim: ScimClient, verified_domain: object) -> None:
    boss = create_user(
        email="boss@people.example", name="Boss", role=Role.OWNER, password=PASSWORD, actor=SYSTEM
    )
    BreakGlassOwner.objects.create(user=boss)
    answer = scim.post("/Users", user_body("boss", active=False))
    assert answer.status_code == 409
    assert User.objects.get(pk=boss.pk).is_active


# --- made and found


def test_a_person_is_made_and_found(scim: ScimClient) -> None:
    made = scim.user("nia", externalId="42", **{ENTERPRISE: {"department": "Crane Works"}})
    user = User.objects.get(email="nia@people.example")
    assert (str(user.pk), user.name) == (made["id"], "Nia Made-Up")
    assert user.department == Department.objects.get(name="Crane Works")
    assert not user.has_usable_password()
    binding = RoleBinding.objects.get(user=user)
    assert (binding.role, binding.source) == ("member", "scim")
    assert made["meta"]["location"].endswith(f"/scim/v2/Users/{made['id']}")
    found = scim.get('/Users?filter=userName eq "NIA@people.example"').json()
    assert [each["id"] for each in found["Resources"]] == [made["id"]]
    assert scim.get(f"/Users/{made['id']}").json() == made
    again = scim.post("/Users", user_body("nia"))
    assert (again.status_code, again.json()["scimType"]) == (409, "uniqueness")
    other = scim.post("/Users", user_body("other", externalId="42"))
    assert (other.status_code, other.json()["scimType"]) == (409, "uniqueness")


def test_people_of_a_department_with_a_very_long_name_are_in_one(scim: ScimClient) -> None:
    long = {ENTERPRISE: {"department": "Cranes and " * 15}}
    first, second = (User.objects.get(pk=scim.user(name, **long)["id"]) for name in ("ann", "ben"))
    assert first.department == second.department
    assert first.department is not None
    assert len(first.department.name) <= 120


def test_what_we_do_not_keep_is_passed_over_and_passwords_most_of_all(scim: ScimClient) -> None:
    body = user_body("pat", password="an invented secret", phoneNumbers=[{"value": "1"}], nickName="P")
    answer = scim.post("/Users", body)
    assert answer.status_code == 201
    assert not {"password", "phoneNumbers", "nickName"} & set(answer.json())
    assert not User.objects.get(email="pat@people.example").check_password("an invented secret")


def test_an_account_that_is_there_is_taken_over_and_that_is_written_down(scim: ScimClient) -> None:
    there = create_user(
        email="lou@people.example", name="Lou", role=Role.MANAGER, password=PASSWORD, actor=SYSTEM
    )
    assert scim.user("lou")["id"] == str(there.pk)
    assert set(RoleBinding.objects.filter(user=there).values_list("role", flat=True)) == {"manager"}
    assert SsoLogEntry.objects.filter(event="scim.user.taken_over", user=there).exists()


def test_who_signed_in_before_is_known_by_the_providers_subject(
    scim: ScimClient, directory: ScimDirectory, admin: UserActor
) -> None:
    provider = IdentityProvider.objects.create(name="Id", kind="oidc", preset="oidc", state="active")
    known = create_user(email="old@people.example", name="O", role=Role.MEMBER, password=None, actor=SYSTEM)
    ExternalIdentity.objects.create(provider=provider, subject="s-1", user=known)
    change_directory(directory=directory, actor=admin, change=DirectoryChange(provider_id=provider.pk))
    assert scim.user("new", externalId="s-1")["id"] == str(known.pk)
    assert User.objects.get(pk=known.pk).email == "new@people.example"


def test_whoever_then_signs_in_is_the_same_person(scim: ScimClient) -> None:
    made = scim.user("sam")
    provider = IdentityProvider.objects.create(
        name="Id", kind="oidc", preset="oidc", state="active", provisions_users=False
    )
    claims = Claims(subject="abc", email="sam@people.example", is_email_verified=True, name="", groups=[])
    arrival = provisioning.arrive(provider, claims)
    assert (str(arrival.user.pk), arrival.is_new_user) == (made["id"], False)


# --- changed


def test_a_replay_changes_nothing_and_makes_no_version(scim: ScimClient) -> None:
    made = scim.user("rea")
    again = scim.send("PUT", f"/Users/{made['id']}", user_body("rea"))
    assert again.status_code == 200
    assert again.headers["ETag"] == made["meta"]["version"] == 'W/"1"'


def test_versions_guard_changes(scim: ScimClient) -> None:
    made = scim.user("eve")
    path = f"/Users/{made['id']}"
    assert scim.get(path, If_None_Match='W/"1"').status_code == 304
    title = {"op": "replace", "path": "title", "value": "Chief"}
    assert scim.patch(path, title, If_Match='W/"7"').status_code == 412
    changed = scim.patch(path, title, If_Match='W/"1"')
    assert (changed.status_code, changed.headers["ETag"]) == (200, 'W/"2"')
    assert scim.get(path, If_None_Match='W/"1"').status_code == 200
    assert scim.send("DELETE", path, If_Match='W/"1"').status_code == 412
    assert scim.patch(path, title, If_Match="*").status_code == 200


def test_an_address_follows_but_never_onto_somebody_else(scim: ScimClient) -> None:
    made, _other = scim.user("ada"), scim.user("bob")
    path = f"/Users/{made['id']}"
    taken = scim.patch(
        path, {"op": "replace", "path": 'emails[type eq "work"].value', "value": "bob@people.example"}
    )
    assert (taken.status_code, taken.json()["scimType"]) == (409, "uniqueness")
    moved = scim.patch(
        path, {"op": "replace", "path": 'emails[type eq "work"].value', "value": "ad@people.example"}
    )
    assert moved.status_code == 200
    assert User.objects.get(pk=made["id"]).email == "ad@people.example"


@pytest.mark.parametrize(
    ("operation", "keyword"),
    [
        ({"op": "explode", "path": "title", "value": "x"}, "invalidValue"),
        ({"op": "replace", "path": "title[", "value": "x"}, "invalidPath"),
        ({"op": "replace", "path": "id", "value": "x"}, "mutability"),
        ({"op": "replace", "path": "meta.created", "value": "2020-01-01T00:00:00Z"}, "mutability"),
        ({"op": "remove", "path": "userName"}, "mutability"),
        ({"op": "remove"}, "noTarget"),
        ({"op": "add", "path": "title"}, "invalidValue"),
    ],
)
def test_a_wrong_change_is_refused_as_a_whole(
    scim: ScimClient, operation: dict[str, Any], keyword: str
) -> None:
    made = scim.user("una")
    first = {"op": "replace", "path": "title", "value": "kept?"}
    answer = scim.patch(f"/Users/{made['id']}", first, operation)
    assert (answer.status_code, answer.json()["scimType"]) == (400, keyword)
    assert "title" not in scim.get(f"/Users/{made['id']}").json()


# --- shut out and let in again


def test_shutting_out_ends_everything_at_once(
    scim: ScimClient, tenant: TenantRef, host: str, admin: UserActor
) -> None:
    made = scim.user("dee")
    actor = person(tenant, Role.ADMIN, "Dee Admin-Example", email="dee2@people.example")
    user = User.objects.get(pk=made["id"])
    RoleBinding.objects.create(user=user, role=Role.ADMIN)
    browser = signed_in_client(host, type(actor)(user=user, roles=frozenset({Role.ADMIN})))
    create_api_token(
        actor=type(actor)(user=user, roles=frozenset({Role.ADMIN})), name="T", scopes=["tasks.view"]
    )
    invite_user(
        email="x@people.example", role=Role.MEMBER,
        actor=type(actor)(user=user, roles=frozenset({Role.ADMIN})),
    )  # fmt: skip
    assert browser.get("/settings/preferences/").status_code == 200
    gone = scim.patch(f"/Users/{made['id']}", {"op": "Replace", "value": {"active": "False"}})
    assert (gone.status_code, gone.json()["active"]) == (200, False)
    assert not User.objects.get(pk=user.pk).is_active
    assert not UserSession.objects.filter(user=user, ended_at=None).exists()
    assert not ApiToken.objects.filter(user=user, revoked_at=None).exists()
    assert not Invitation.objects.filter(invited_by=user, revoked_at=None).exists()
    assert browser.get("/settings/preferences/").status_code == 302
    back = scim.patch(f"/Users/{made['id']}", {"op": "replace", "path": "active", "value": True})
    assert back.json()["active"] is True
    assert User.objects.get(pk=user.pk).is_active
    assert not ApiToken.objects.filter(user=user, revoked_at=None).exists()
    assert browser.get("/settings/preferences/").status_code == 302


def test_the_last_owner_and_emergency_owners_stay(scim: ScimClient, owner: UserActor) -> None:
    User.objects.filter(pk=owner.user_id).update(email="chief@people.example")
    made = scim.user("chief")
    off = {"op": "replace", "path": "active", "value": False}
    answer = scim.patch(f"/Users/{made['id']}", off)
    assert answer.status_code == 409
    assert "at least one owner" in answer.json()["detail"]
    assert scim.send("DELETE", f"/Users/{made['id']}").status_code == 409
    second = scim.user("second")
    BreakGlassOwner.objects.create(user_id=second["id"])
    answer = scim.patch(f"/Users/{second['id']}", off)
    assert (answer.status_code, "emergency owner" in answer.json()["detail"]) == (409, True)
    assert User.objects.filter(pk__in=[made["id"], second["id"]], is_active=True).count() == 2
    assert len(log_of("scim.user.patch")) == 2


def test_who_is_deleted_is_not_found_any_more_and_is_taken_up_again(scim: ScimClient) -> None:
    made = scim.user("zoe", externalId="z")
    path = f"/Users/{made['id']}"
    assert scim.send("DELETE", path).status_code == 204
    for method in ("GET", "PUT", "PATCH", "DELETE"):
        assert scim.send(method, path, user_body("zoe")).status_code == 404
    assert scim.get('/Users?filter=externalId eq "z"').json()["totalResults"] == 0
    assert not User.objects.get(pk=made["id"]).is_active
    again = scim.user("zoe", externalId="z")
    assert again["id"] == made["id"]
    assert User.objects.get(pk=made["id"]).is_active


def test_what_the_directory_rules_is_not_edited_by_hand(scim: ScimClient, admin: UserActor) -> None:
    made = scim.user("kim")
    user = User.objects.get(pk=made["id"])
    with pytest.raises(Conflict, match="kept by the directory"):
        update_profile(user=user, actor=type(admin)(user=user), name="Somebody Else")
    update_profile(user=user, actor=type(admin)(user=user), name=user.name, theme="dark")
    deactivate_user(user=user, actor=admin)
    reactivate_user(user=user, actor=admin)
    scim.patch(f"/Users/{made['id']}", {"op": "replace", "path": "active", "value": False})
    with pytest.raises(Conflict, match="kept by the directory"):
        reactivate_user(user=User.objects.get(pk=user.pk), actor=admin)


def test_a_department_that_gives_roles_is_not_entered_by_what_a_directory_says(scim: ScimClient) -> None:
    board = Department.objects.create(name="Board", key="BRD")
    RoleBinding.objects.create(department=board, role=Role.ADMIN)
    made = scim.user("max", **{ENTERPRISE: {"department": "board"}})
    assert User.objects.get(pk=made["id"]).department is None


def test_user_names_without_an_address_get_the_directorys_domain(
    scim: ScimClient, directory: ScimDirectory, admin: UserActor
) -> None:
    change_directory(
        directory=directory, actor=admin, change=DirectoryChange(username_domain="people.example")
    )
    answer = scim.post("/Users", {"schemas": [USER], "userName": "jdoe"})
    assert answer.status_code == 201
    assert User.objects.get(pk=answer.json()["id"]).email == "jdoe@people.example"


def test_a_key_that_is_over_or_comes_from_elsewhere_opens_nothing(
    scim: ScimClient, directory: ScimDirectory, admin: UserActor
) -> None:
    assert scim.get("/Users").status_code == 200
    change_directory(directory=directory, actor=admin, change=DirectoryChange(is_enabled=False))
    assert scim.get("/Users").status_code == 401
    assert Client(headers={"host": "north.localhost"}).get("/scim/v2/Users").status_code == 401


@pytest.mark.parametrize("sign", ["\u202e", "\u200b", "\u200d", "\u00ad", "\n", "\u0007"])
def test_names_that_cannot_be_read_are_refused_wherever_they_stand(scim: ScimClient, sign: str) -> None:
    ann, bad = scim.user("ann")["id"], f"a{sign}b"
    answers = [
        scim.post("/Users", user_body("x", userName=f"{bad}@people.example")),
        scim.post("/Users", user_body("x", displayName=bad)),
        scim.post("/Users", user_body("x") | {"name": {"familyName": bad}}),
        scim.post("/Users", user_body("x", **{ENTERPRISE: {"department": bad}})),
        scim.send("PUT", f"/Users/{ann}", user_body("ann", title=bad)),
        scim.patch(f"/Users/{ann}", {"op": "replace", "path": "userName", "value": f"{bad}@people.example"}),
        scim.patch(f"/Users/{ann}", {"op": "add", "value": {"externalId": bad}}),
    ]
    assert {(each.status_code, each.json()["scimType"]) for each in answers} == {(400, "invalidValue")}
    assert User.objects.get(pk=ann).email == "ann@people.example"


def test_names_are_kept_composed_and_so_is_how_people_are_called(scim: ScimClient) -> None:
    made = scim.user("jo", displayName="Jo\u0308rg Made-Up")
    assert made["displayName"] == "J\u00f6rg Made-Up"
    assert User.objects.get(pk=made["id"]).name == "J\u00f6rg Made-Up"
