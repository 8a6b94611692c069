"""Sign-ins, second factors and the rules for them by API."""

import time
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from tenants.accounts.access import Role, UserActor
from tenants.accounts.mfa.totp import code_at
from tenants.accounts.models import AccessPolicy, AuthenticatorApp, Passkey, UserSession
from tenants.accounts.sessions.policy import current_rules
from tenants.tenancy import TenantRef
from tests.people import person, signed_in_client, token_client

MINE = "/api/v1/me/sign-ins/"
FACTORS = "/api/v1/me/factors/"
RULES = "/api/v1/sign-in-rules/"


@pytest.fixture
def here(host: str, member: UserActor) -> Client:
    return signed_in_client(host, member)


@pytest.fixture
def elsewhere(here: Client, host: str, member: UserActor) -> Client:
    return signed_in_client(host, member)


def proved_long_ago(actor: UserActor) -> None:
    old = timezone.now() - timedelta(hours=5)
    UserSession.objects.filter(user=actor.user).update(proved_at=old)


def test_one_lists_ones_own_and_ends_one(
    here: Client, elsewhere: Client, admin: UserActor, host: str
) -> None:
    signed_in_client(host, admin)
    listed = here.get(MINE).json()
    assert len(listed) == 2
    other = next(each for each in listed if not each["is_this_one"])
    assert here.delete(f"{MINE}{other['id']}/").status_code == 204
    assert elsewhere.get(MINE).status_code == 401
    assert here.delete(f"{MINE}{other['id']}/").status_code == 404


def test_nobody_ends_somebody_elses_as_their_own(here: Client, host: str, admin: UserActor) -> None:
    signed_in_client(host, admin)
    theirs = UserSession.objects.get(user=admin.user)
    assert here.delete(f"{MINE}{theirs.pk}/").status_code == 404
    theirs.refresh_from_db()
    assert theirs.ended_at is None


def test_one_ends_all_others_and_stays(here: Client, elsewhere: Client) -> None:
    assert here.post(f"{MINE}end-others/").json() == {"ended": 1}
    assert (here.get(MINE).status_code, elsewhere.get(MINE).status_code) == (200, 401)


def test_who_manages_sign_ins_sees_and_ends_somebodys(
    here: Client, elsewhere: Client, host: str, tenant: TenantRef, member: UserActor
) -> None:
    security = signed_in_client(host, person(tenant, Role.SECURITY, "Sam Security-Example"))
    address = f"/api/v1/users/{member.user_id}/sign-ins/"
    listed = security.get(address).json()
    assert len(listed) == 2
    assert security.delete(f"{address}{listed[0]['id']}/").status_code == 204
    assert security.post(f"{address}end-all/").json() == {"ended": 1}
    assert here.get(MINE).status_code == 401
    assert signed_in_client(host, member).get(address).status_code == 403


def test_a_client_of_the_portal_ends_their_own_too(host: str, guest: UserActor) -> None:
    assert len(signed_in_client(host, guest).get(MINE).json()) == 1


def test_an_app_is_set_up_by_api_and_taken_off(here: Client, member: UserActor) -> None:
    made = here.post(f"{FACTORS}app/").json()
    assert made["uri"].startswith("otpauth://totp/")
    assert here.get(FACTORS).json()["has_app"] is False
    wrong = here.post(f"{FACTORS}app/confirm/", {"code": "000000"}, content_type="application/json")
    assert (wrong.status_code, wrong.json()["code"]) == (422, "invalid_input.code")
    code = code_at(made["secret"], int(time.time()) // 30)
    done = here.post(f"{FACTORS}app/confirm/", {"code": code}, content_type="application/json")
    assert (done.status_code, len(done.json()["recovery_codes"])) == (200, 10)
    shown = here.get(FACTORS).json()
    assert (shown["has_app"], shown["recovery_codes_left"]) == (True, 10)
    assert made["secret"] not in here.get(FACTORS).content.decode()
    assert here.post(f"{FACTORS}app/").status_code == 409
    assert here.post(f"{FACTORS}recovery-codes/").status_code == 201
    assert here.delete(f"{FACTORS}app/").status_code == 204
    assert here.get(FACTORS).json()["recovery_codes_left"] == 0


def test_a_proof_is_asked_for_before_a_factor_changes(here: Client, member: UserActor) -> None:
    proved_long_ago(member)
    for answer in (here.post(f"{FACTORS}app/"), here.delete(f"{FACTORS}app/")):
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden.proof_needed")
    assert not AuthenticatorApp.objects.exists()


def test_a_passkey_is_taken_off_by_its_owner_alone(
    here: Client, host: str, member: UserActor, admin: UserActor
) -> None:
    key = Passkey.objects.create(
        user=member.user, name="Key", credential_id=b"1", credential=b"2", rp_id=host
    )
    address = f"{FACTORS}passkeys/{key.pk}/"
    assert signed_in_client(host, admin).delete(address).status_code == 404
    assert here.get(FACTORS).json()["passkeys"][0]["name"] == "Key"
    assert here.delete(address).status_code == 204


def test_past_the_deadline_the_api_opens_factors_and_nothing_else(here: Client, member: UserActor) -> None:
    long_ago = timezone.now() - timedelta(days=30)
    AccessPolicy.objects.create(mfa_required_for=["member"], mfa_required_since=long_ago, mfa_grace_days=0)
    type(member.user).objects.filter(pk=member.user_id).update(created_at=long_ago)
    shut = here.get("/api/v1/me/")
    assert (shut.status_code, shut.json()["code"]) == (403, "forbidden.second_factor_needed")
    secret = here.post(f"{FACTORS}app/").json()["secret"]
    code = code_at(secret, int(time.time()) // 30)
    assert (
        here.post(f"{FACTORS}app/confirm/", {"code": code}, content_type="application/json").status_code
        == 200
    )
    assert here.get("/api/v1/me/").status_code == 200


def test_before_the_deadline_a_line_leads_there_and_all_is_open(here: Client, member: UserActor) -> None:
    AccessPolicy.objects.create(
        mfa_required_for=["member"], mfa_required_since=timezone.now(), mfa_grace_days=7
    )
    assert here.get("/api/v1/me/").status_code == 200
    page = here.get("/settings/preferences/").content.decode()
    assert "/settings/my-sign-in/" in page
    assert "second factor" in page


def test_past_the_deadline_the_pages_lead_to_where_one_sets_it_up(here: Client, member: UserActor) -> None:
    long_ago = timezone.now() - timedelta(days=30)
    AccessPolicy.objects.create(mfa_required_for=["*"], mfa_required_since=long_ago, mfa_grace_days=0)
    type(member.user).objects.filter(pk=member.user_id).update(created_at=long_ago)
    assert here.get("/tasks/")["Location"].startswith("/settings/my-sign-in/")
    assert here.get("/settings/my-sign-in/").status_code == 200


# --- the rules


@pytest.fixture
def ruler(host: str, admin: UserActor) -> Client:
    return signed_in_client(host, admin)


def patch(client: Client | APIClient, **body: Any) -> Any:
    if isinstance(client, APIClient):
        return client.patch(RULES, body, format="json")
    return client.patch(RULES, body, content_type="application/json")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"allowed_networks": ["203.0.113.0/24"]}, "invalid_input.shuts_oneself_out"),
        ({"allowed_networks": ["everywhere"]}, "invalid_input.network"),
        ({"idle_minutes": 1}, "invalid_input.idle_minutes"),
        ({"mfa_required_for": ["king"]}, "invalid_input"),
        ({"two_people_for": ["lunch"]}, "invalid_input"),
        ({"link_sign_in": "all"}, "invalid_input"),
        ({"link_sign_in": None}, "invalid_input"),
        ({"unknown": 1}, "invalid_input"),
    ],
)
def test_bad_rules_are_refused_and_nothing_changes(ruler: Client, body: dict[str, Any], code: str) -> None:
    before = current_rules()
    answer = patch(ruler, **body)
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert current_rules() == before


def test_one_rule_is_changed_and_the_others_stay(ruler: Client) -> None:
    answer = patch(ruler, idle_minutes=60)
    assert (answer.status_code, answer.json()["idle_minutes"]) == (200, 60)
    assert ruler.get(RULES).json()["absolute_hours"] == 336
    assert patch(ruler, token_max_days=30).json()["idle_minutes"] == 60
    assert ruler.get(RULES).json()["link_sign_in"] == "guests"
    assert patch(ruler, link_sign_in="nobody").json()["link_sign_in"] == "nobody"
    assert patch(ruler, idle_minutes=90).json()["link_sign_in"] == "nobody"


def test_rules_want_a_proof_and_a_token_its_scope(ruler: Client, host: str, admin: UserActor) -> None:
    program = token_client(host, admin, scopes=frozenset({"accounts.manage_sign_in"}))
    assert patch(program, idle_minutes=60).status_code == 200
    proved_long_ago(admin)
    assert patch(ruler, idle_minutes=50).json()["code"] == "forbidden.proof_needed"
    assert (
        patch(token_client(host, admin, scopes=frozenset({"tasks.view"})), idle_minutes=50).status_code == 403
    )


def test_looser_rules_wait_by_api_too(ruler: Client, owner: UserActor) -> None:
    AccessPolicy.objects.create(two_people_for=["sign_in_rules"])
    answer = patch(ruler, idle_minutes=9000, reason="Field work")
    assert (answer.status_code, answer.json()["reason"]) == (202, "Field work")
    assert ruler.get(RULES).json()["idle_minutes"] == 4320


def test_links_for_more_people_wait_by_api_and_on_the_page(ruler: Client, owner: UserActor) -> None:
    """On the page with a stricter rule beside it: neither is saved before somebody agrees."""
    AccessPolicy.objects.create(two_people_for=["sign_in_rules"])
    answer = patch(ruler, link_sign_in="everybody")
    assert answer.status_code == 202
    assert ruler.get(RULES).json()["link_sign_in"] == "guests"
    withdrawn = ruler.post(
        f"/api/v1/proposed-changes/{answer.json()['id']}/withdraw/", content_type="application/json",
        headers={"Idempotency-Key": "withdrawn"},
    )  # fmt: skip
    assert withdrawn.status_code == 200
    form = {
        "mfa_grace_days": 7, "idle_minutes": 60, "absolute_hours": 24, "step_up_minutes": 15,
        "token_max_days": 90, "two_people_for": ["sign_in_rules"], "link_sign_in": "everybody",
    }  # fmt: skip
    page = ruler.post("/settings/sign-in-rules/", form)
    assert page.status_code == 302
    assert "/settings/changes/" in page["Location"]
    assert (current_rules().link_sign_in, current_rules().idle_minutes) == ("guests", 4320)
