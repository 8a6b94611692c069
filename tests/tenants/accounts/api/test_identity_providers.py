"""Single sign-on set up by a program, from the first POST to enforcing."""

import pytest
from rest_framework.test import APIClient

from tenants.accounts.access import Role, UserActor
from tenants.accounts.models import EmailDomain, IdentityProvider
from tenants.accounts.sso import services, sso_log
from tenants.accounts.sso.reasons import Reason, SsoRefused
from tenants.tenancy import TenantRef
from tests.people import person, token_client
from tests.tenants.accounts.sso.test_services import add_passkey

URL = "/api/v1/identity-providers/"


@pytest.fixture
def api(host: str, owner: UserActor) -> APIClient:
    return token_client(host, owner, is_careful=True)


def test_from_nothing_to_enforced(api: APIClient, owner: UserActor, tenant: TenantRef) -> None:
    made = api.post(URL, {"preset": "oidc", "name": "Example Connect"})
    assert made.status_code == 201, made.content
    address = f"{URL}{made.json()['id']}/"
    assert made.json()["missing"] == ["Give the client ID.", "Give the client secret.", "Give the issuer."]
    assert made.json()["our_addresses"]["redirect_uri"].endswith("/callback/")
    given = {"issuer": "https://op.example", "client_id": "nts", "client_secret": "an invented secret"}
    changed = api.patch(address, given)
    assert (changed.status_code, changed.json()["missing"]) == (200, []), changed.content
    assert "an invented secret" not in changed.content.decode()
    assert api.put(f"{address}group-rules/", {"rules": {"Makers": "manager"}}).status_code == 200
    assert api.post(f"{address}state/", {"state": "test"}).json()["state"] == "test"
    refused = api.post(f"{address}state/", {"state": "active"})
    assert (refused.status_code, refused.json()["code"]) == (409, "conflict.untested")

    provider = IdentityProvider.objects.get()
    provider.tested_at, provider.tested_revision, provider.test_grade = (
        provider.created_at, provider.revision, "A",
    )  # fmt: skip
    provider.save()
    assert api.post(f"{address}state/", {"state": "active"}).status_code == 200
    refused = api.post("/api/v1/sso/enforce/", {"provider_id": str(provider.pk)})
    assert (refused.status_code, refused.json()["code"]) == (409, "conflict.not_enforceable")
    second = person(tenant, Role.OWNER, "Second Owner-Example")
    emergency = "/api/v1/sso/emergency-owners/"
    named = api.put(emergency, {"user_ids": [str(owner.user.pk), str(second.user.pk)]})
    assert [row["has_passkey"] for row in named.json()["owners"]] == [False, False], named.content
    assert named.json()["passkey_address"].endswith("/settings/my-sign-in/")
    stands = f"/api/v1/sso/enforce/?provider_id={provider.pk}"
    assert api.get(stands).json() == {
        "enforced_provider_id": None,
        "obstacles": ["Both emergency owners need a passkey: they add it at Settings, My sign-in."],
    }
    for actor in (owner, second):
        add_passkey(actor.user)
    assert api.get(stands).json()["obstacles"] == []
    assert {row["has_passkey"] for row in api.get(emergency).json()["owners"]} == {True}
    assert api.post("/api/v1/sso/enforce/", {"provider_id": str(provider.pk)}).json()["state"] == "enforced"
    assert api.get("/api/v1/sso/enforce/").json()["enforced_provider_id"] == str(provider.pk)
    one = api.put(emergency, {"user_ids": [str(owner.user.pk)]})
    assert (one.status_code, one.json()["code"]) == (409, "conflict.enforced")
    assert api.delete(address).status_code == 409
    assert api.delete("/api/v1/sso/enforce/").status_code == 204
    assert api.delete(address).status_code == 204
    assert api.get(URL).json()["results"] == []
    events = [entry["event"] for entry in api.get("/api/v1/sso/log/").json()["results"]]
    assert events[:3] == ["provider.deleted", "provider.active", "provider.enforced"]


def test_people_of_a_proved_domain_are_sent_to_a_provider(api: APIClient, owner: UserActor) -> None:
    provider = services.create_provider(preset="oidc", name="Example Connect", actor=owner)
    domain = EmailDomain.objects.create(domain="people.example", nonce="n")
    address, sent_there = f"/api/v1/email-domains/{domain.pk}/", {"captured_by_id": str(provider.pk)}
    refused = api.patch(address, sent_there)
    assert (refused.status_code, refused.json()["code"]) == (409, "conflict.domain_unverified")
    EmailDomain.objects.update(state="verified")
    assert api.patch(address, sent_there).json()["captured_by_id"] == str(provider.pk)
    assert api.patch(address, {"captured_by_id": None}).json()["captured_by_id"] is None
    assert api.patch(address, {"captured_by_id": str(domain.pk)}).status_code == 404
    assert api.patch(address, {}).status_code == 422


def test_only_an_owner_names_emergency_owners(host: str, owner: UserActor, tenant: TenantRef) -> None:
    admin = token_client(host, person(tenant, Role.ADMIN))
    named = {"user_ids": [str(owner.user.pk)]}
    assert admin.put("/api/v1/sso/emergency-owners/", named).status_code == 403
    assert admin.get("/api/v1/sso/emergency-owners/").json()["owners"] == []


def test_what_stops_a_provider_that_is_none_is_not_told(api: APIClient, tenant: TenantRef) -> None:
    assert api.get("/api/v1/sso/enforce/?provider_id=x").status_code == 422
    assert api.get(f"/api/v1/sso/enforce/?provider_id={tenant.id}").status_code == 404


@pytest.mark.parametrize("path", ["identity-providers/", "email-domains/", "sso/enforce/", "invitations/"])
def test_a_step_of_the_way_in_is_not_done_without_an_idempotency_key(
    host: str, owner: UserActor, path: str
) -> None:
    refused = token_client(host, owner).post(f"/api/v1/{path}", {})
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_input.idempotency_key_missing")


def test_a_draft_cannot_be_tried_out(api: APIClient) -> None:
    made = api.post(URL, {"preset": "oidc", "name": "Example Connect"}).json()
    refused = api.post(f"{URL}{made['id']}/tests/")
    assert (refused.status_code, refused.json()["code"]) == (409, "conflict.draft")


def test_a_domain_is_claimed_and_given_up(api: APIClient) -> None:
    made = api.post("/api/v1/email-domains/", {"domain": "People.example"})
    assert made.status_code == 201
    assert made.json()["record_name"] == "_nts-email.people.example"
    assert [row["state"] for row in api.get("/api/v1/email-domains/").json()["results"]] == ["pending"]
    assert api.post("/api/v1/email-domains/", {"domain": "gmail.com"}).status_code == 422
    assert api.delete(f"/api/v1/email-domains/{made.json()['id']}/").status_code == 204


@pytest.mark.parametrize(
    "body", [{}, {"preset": "x", "name": "n"}, {"preset": "saml", "name": "n", "state": "active"}]
)
def test_a_wrong_body_begins_nothing(api: APIClient, body: dict[str, str]) -> None:
    assert api.post(URL, body).status_code == 422
    assert not IdentityProvider.objects.exists()


def test_metadata_is_fetched_from_no_private_address(api: APIClient) -> None:
    made = api.post(URL, {"preset": "saml", "name": "Example Id"}).json()
    for url in (
        "file:///etc/passwd",
        "http://169.254.169.254/latest",
        "https://10.0.0.1/metadata",
        "ftp://x.example",
    ):
        answer = api.patch(f"{URL}{made['id']}/", {"metadata_url": url})
        assert answer.status_code == 502, (url, answer.content)
    assert IdentityProvider.objects.get().issuer == ""


def test_a_manager_sees_nothing_of_it(host: str, tenant: TenantRef) -> None:
    manager = token_client(host, person(tenant, Role.MANAGER))
    for path in (URL, "/api/v1/email-domains/", "/api/v1/sso/log/"):
        assert manager.get(path).status_code == 403


def test_the_log_is_narrowed_down_by_codes(api: APIClient, tenant: TenantRef) -> None:
    provider = IdentityProvider.objects.create(name="Example Id", kind="saml", preset="saml", state="active")
    for event, reason in (("sign_in", Reason.AUDIENCE), ("logout", Reason.REPLAY)):
        sso_log.note(
            event=event, refused=SsoRefused(reason), provider=provider, outcome=sso_log.Outcome.REFUSED
        )
    sso_log.note(event="sign_in", outcome=sso_log.Outcome.ACCEPTED)

    def found(**query: str) -> list[str]:
        answer = api.get("/api/v1/sso/log/", query)
        assert answer.status_code == 200, answer.content
        return [f"{row['event']} {row['reason']}".strip() for row in answer.json()["results"]]

    assert found(event="sign_in") == ["sign_in", "sign_in audience"]
    assert found(event="sign_in", outcome="refused") == ["sign_in audience"]
    assert found(reason="replay", provider_id=str(provider.pk)) == ["logout replay"]
    assert found(reason="never_heard_of") == []
    for bad in (
        {"outcome": "lost"},
        {"event": "a\0b"},
        {"reason": "x" * 61},
        {"provider_id": "7"},
        {"who": "x"},
    ):
        assert api.get("/api/v1/sso/log/", bad).status_code in {400, 422}, bad
