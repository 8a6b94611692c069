"""Passkeys: bound to this host and origin, each answer good once, copies noticed, nonsense refused."""

import json
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from tenants.accounts.access import UserActor
from tenants.accounts.mfa.recovery import codes_left
from tenants.accounts.models import Passkey, User, UserSession
from tenants.models import Domain
from tenants.tenancy import TenantRef
from tests.fakes.authenticator import USER_PRESENT, Authenticator
from tests.people import PASSWORD

HOME = "/settings/my-sign-in/"
MAKE, MAKE_OPTIONS = f"{HOME}passkeys/", f"{HOME}passkeys/options/"
SHOW, SHOW_OPTIONS = "/account/sign-in/passkey/", "/account/passkey/options/"


@pytest.fixture(autouse=True)
def _no_old_attempts(tenant: TenantRef) -> None:
    cache.clear()


@pytest.fixture
def kept(device: Authenticator, member: UserActor, login_as: Any) -> Authenticator:
    """The device with a passkey of the member's that is known here."""
    client = login_as(member)
    options = client.post(MAKE_OPTIONS).json()
    answer = client.post(MAKE, {"credential": device.create(options), "name": "Laptop"})
    assert answer.status_code == 200
    return device


def options_for(client: Client) -> dict[str, Any]:
    found: dict[str, Any] = client.post(SHOW_OPTIONS).json()
    return found


def is_in(client: Client) -> bool:
    return client.get(HOME).status_code == 200


def test_a_passkey_is_kept_with_its_count_and_brings_recovery_codes(
    kept: Authenticator, member: UserActor, host: str
) -> None:
    row = Passkey.objects.get(user=member.user)
    assert (row.name, row.rp_id, row.sign_count) == ("Laptop", host, 0)
    assert codes_left(member.user) == 10


def test_a_passkey_alone_signs_in(kept: Authenticator, stranger: Client, member: UserActor) -> None:
    answer = stranger.post(SHOW, {"credential": kept.get(options_for(stranger)), "next": HOME})
    assert (answer.status_code, answer["Location"]) == (302, HOME)
    assert is_in(stranger)
    row = UserSession.objects.filter(user=member.user).latest("started_at")
    assert (row.method, row.second_factor) == ("passkey", "passkey")
    assert Passkey.objects.get().sign_count == 1


def test_the_same_answer_again_is_refused_in_the_same_and_in_another_browser(
    kept: Authenticator, stranger: Client, host: str
) -> None:
    options = options_for(stranger)
    answer = kept.get(options)
    other = Client(headers={"host": host})
    options_for(other)
    assert stranger.post(SHOW, {"credential": answer}).status_code == 302
    stranger.post("/account/sign-out/")
    options_for(stranger)
    for client in (stranger, other):
        assert client.post(SHOW, {"credential": answer}).status_code == 422
        assert not is_in(client)


def test_an_answer_works_once_even_where_two_processes_know_its_challenge(
    kept: Authenticator, stranger: Client, host: str
) -> None:
    options = options_for(stranger)
    copy = Client(headers={"host": host})
    options_for(copy)
    # The second process read the session before the first had spent what is in it.
    session, twin = stranger.session, copy.session
    twin["_passkey"] = dict(session["_passkey"])
    twin.save()
    first, second = kept.get(options), kept.get(options)
    assert stranger.post(SHOW, {"credential": first}).status_code == 302
    assert copy.post(SHOW, {"credential": second}).status_code == 422
    assert not is_in(copy)


@pytest.mark.parametrize(
    "lies",
    [
        {"origin": "https://evil.example"},
        {"origin": "http://south.localhost"},
        {"origin": "http://localhost"},
        {"challenge": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"},
        {"type": "webauthn.create"},
        {"origin": None},
        {"challenge": 7},
    ],
)
def test_a_foreign_page_or_challenge_is_refused(
    kept: Authenticator, stranger: Client, lies: dict[str, Any]
) -> None:
    assert stranger.post(SHOW, {"credential": kept.get(options_for(stranger), **lies)}).status_code == 422
    assert not is_in(stranger)


def test_the_shared_parent_domain_and_an_unverified_holder_are_refused(
    kept: Authenticator, stranger: Client, host: str
) -> None:
    kept.rp_id = "localhost"
    assert stranger.post(SHOW, {"credential": kept.get(options_for(stranger))}).status_code == 422
    kept.rp_id, kept.flags = host, USER_PRESENT
    assert stranger.post(SHOW, {"credential": kept.get(options_for(stranger))}).status_code == 422
    assert not is_in(stranger)


def test_a_passkey_of_one_company_is_nothing_at_another(
    kept: Authenticator, other_tenant: TenantRef, member: UserActor
) -> None:
    host = Domain.objects.get(tenant_id=other_tenant.id).host
    client = Client(headers={"host": host})
    kept.origin, kept.rp_id = f"http://{host}", host
    assert client.post(SHOW, {"credential": kept.get(options_for(client))}).status_code == 422


def test_a_count_that_goes_back_locks_the_passkey_and_says_so(
    kept: Authenticator, stranger: Client, host: str, login_as: Any, member: UserActor
) -> None:
    kept.count = 40
    assert stranger.post(SHOW, {"credential": kept.get(options_for(stranger))}).status_code == 302
    thief = Client(headers={"host": host})
    kept.count = 7
    assert thief.post(SHOW, {"credential": kept.get(options_for(thief))}).status_code == 422
    assert Passkey.objects.get().suspected_at is not None
    assert "may have been copied" in login_as(member).get(HOME).content.decode()
    kept.count = 90
    assert thief.post(SHOW, {"credential": kept.get(options_for(thief))}).status_code == 422


def test_passkeys_of_a_cloud_that_always_count_zero_work_again_and_again(
    kept: Authenticator, host: str
) -> None:
    for _ in range(2):
        client = Client(headers={"host": host})
        kept.count = -1
        assert client.post(SHOW, {"credential": kept.get(options_for(client))}).status_code == 302


def test_nobody_deactivated_comes_in_and_no_handle_but_ones_own_counts(
    kept: Authenticator, stranger: Client, member: UserActor, guest: UserActor
) -> None:
    own, kept.user_handle = kept.user_handle, guest.user_id.bytes
    assert stranger.post(SHOW, {"credential": kept.get(options_for(stranger))}).status_code == 422
    kept.user_handle = own
    User.objects.filter(pk=member.user_id).update(is_active=False)
    assert stranger.post(SHOW, {"credential": kept.get(options_for(stranger))}).status_code == 422


NONSENSE = [
    "", "null", "[]", "{", '"text"', "{}", '{"id": 7}', "[" * 5000, "x" * 20_000,
    json.dumps({"id": "AA", "rawId": "AA", "type": "public-key", "response": "no"}),
    json.dumps({"id": "AA", "rawId": "AA", "type": "public-key", "response": {"clientDataJSON": "AA"}}),
    json.dumps(
        {
            "id": "AA", "rawId": "AA", "type": "public-key",
            "response": {
                "clientDataJSON": "e30", "authenticatorData": "AAAA", "signature": "AA",
                "attestationObject": "oA",
            },
        }
    ),
]  # fmt: skip


@pytest.mark.parametrize("text", NONSENSE)
def test_what_no_authenticator_wrote_is_refused_in_one_sentence(
    stranger: Client, member: UserActor, login_as: Any, text: str
) -> None:
    options_for(stranger)
    answer = stranger.post(SHOW, {"credential": text})
    assert answer.status_code == 422
    assert "This passkey was not accepted. Please try again." in answer.content.decode()
    client = login_as(member)
    client.post(MAKE_OPTIONS)
    assert client.post(MAKE, {"credential": text}).status_code == 422
    assert not Passkey.objects.exists()


def test_a_stranger_without_a_challenge_is_refused(kept: Authenticator, stranger: Client, host: str) -> None:
    other = Client(headers={"host": host})
    assert stranger.post(SHOW, {"credential": kept.get(options_for(other))}).status_code == 422


def test_a_challenge_to_make_a_passkey_is_none_to_show_one(
    kept: Authenticator, login_as: Any, member: UserActor
) -> None:
    client = login_as(member)
    options = client.post(MAKE_OPTIONS).json()
    answer = client.post("/account/prove/", {"credential": kept.get(options)})
    assert answer.status_code == 422


def test_a_passkey_is_the_second_factor_after_the_password(
    kept: Authenticator, stranger: Client, member: UserActor
) -> None:
    form = {"login": member.user.email, "password": PASSWORD}
    assert stranger.post("/account/sign-in/", form)["Location"] == "/account/sign-in/confirm/"
    assert not is_in(stranger)
    answer = kept.get(options_for(stranger))
    assert stranger.post("/account/sign-in/confirm/", {"credential": answer}).status_code == 302
    assert is_in(stranger)
    row = UserSession.objects.filter(user=member.user).latest("started_at")
    assert (row.method, row.second_factor) == ("password", "passkey")
