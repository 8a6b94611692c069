"""Whatever is wrong with a passkey: one sentence to the browser, one precise entry in the company's own log."""

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone
from fido2 import cbor

from tenants.accounts.access import UserActor
from tenants.accounts.mfa.refusals import SENTENCES, PasskeyReason
from tenants.accounts.models import Passkey, SsoLogEntry, User
from tenants.models import Domain
from tenants.tenancy import TenantRef, tenant_scope
from tests.fakes.authenticator import ATTESTED, USER_PRESENT, USER_VERIFIED, Authenticator
from tests.people import PASSWORD, signed_in_client

HOME = "/settings/my-sign-in/"
MAKE, MAKE_OPTIONS = f"{HOME}passkeys/", f"{HOME}passkeys/options/"
SHOW, SHOW_OPTIONS = "/account/sign-in/passkey/", "/account/passkey/options/"
NEUTRAL = "This passkey was not accepted. Please try again."
MEBIBYTE = 1024 * 1024


@pytest.fixture(autouse=True)
def _no_old_attempts(tenant: TenantRef) -> None:
    cache.clear()


@pytest.fixture
def kept(device: Authenticator, member: UserActor, host: str) -> Authenticator:
    """The device with a passkey of the member's that is known here."""
    client = signed_in_client(host, member)
    answer = client.post(MAKE, {"credential": device.create(options(client, MAKE_OPTIONS)), "name": "Laptop"})
    assert answer.status_code == 200
    return device


def options(client: Client, path: str = SHOW_OPTIONS) -> dict[str, Any]:
    found: dict[str, Any] = client.post(path).json()
    return found


def entries() -> list[SsoLogEntry]:
    return list(SsoLogEntry.objects.filter(event__startswith="passkey"))


def only_entry() -> SsoLogEntry:
    (entry,) = entries()
    assert (entry.outcome, entry.provider_name) == ("refused", "Passkey")
    assert entry.detail.startswith(SENTENCES[PasskeyReason(entry.reason)])
    assert entry.address == "127.0.0.1"
    assert entry.request_id
    return entry


def refused(client: Client, credential: str, path: str = SHOW) -> SsoLogEntry:
    """Post what is to be refused; return the entry about it."""
    answer = client.post(path, {"credential": credential, "name": "New"})
    assert answer.status_code == 422
    page = answer.content.decode()
    assert NEUTRAL in page
    entry = only_entry()
    assert entry.detail not in page
    assert entry.reason not in page
    return entry


def bent(answer: str, **changes: Any) -> str:
    """The answer with other parts in its response."""
    said = json.loads(answer)
    said["response"] |= changes
    return json.dumps(said)


def coded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


# --- showing one

LIES: dict[str, tuple[dict[str, Any], str]] = {
    "another page": ({"origin": "https://evil.example"}, "passkey_origin"),
    "the page of another company": ({"origin": "http://south.localhost"}, "passkey_origin"),
    "no page": ({"origin": None}, "passkey_origin"),
    "a page in signs nobody can keep": ({"origin": "http://\0\ud800"}, "passkey_origin"),
    "a page in a page": ({"crossOrigin": True}, "passkey_framed"),
    "another question": ({"challenge": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}, "passkey_challenge"),
    "a number for a question": ({"challenge": 7}, "passkey_challenge"),
    "no question": ({"challenge": None}, "passkey_malformed"),
    "another kind": ({"type": "webauthn.create"}, "passkey_type"),
}


@pytest.mark.parametrize("lie", list(LIES))
def test_what_the_browser_says_is_held_to_what_was_asked(
    kept: Authenticator, stranger: Client, member: UserActor, lie: str
) -> None:
    lies, reason = LIES[lie]
    entry = refused(stranger, kept.get(options(stranger), **lies))
    assert (entry.event, entry.reason) == ("passkey_sign_in", reason)
    if reason != "passkey_malformed":
        assert entry.user == member.user
        assert entry.subject == coded(kept.credential_id)
    if lie == "another page":
        assert "https://evil.example" in entry.detail


def _other_rp(kept: Authenticator) -> None:
    kept.rp_id = "localhost"


def _nobody_there(kept: Authenticator) -> None:
    kept.flags = USER_VERIFIED


def _not_verified(kept: Authenticator) -> None:
    kept.flags = USER_PRESENT


def _other_key(kept: Authenticator) -> None:
    kept.key = Authenticator(origin="", rp_id="").key


def _unknown(kept: Authenticator) -> None:
    kept.credential_id = b"a credential id nobody has here "


def _other_handle(kept: Authenticator) -> None:
    kept.user_handle = b"somebody else"


def _deactivated(_kept: Authenticator) -> None:
    User.objects.update(is_active=False)


def _locked(_kept: Authenticator) -> None:
    Passkey.objects.update(suspected_at=timezone.now())


def _of_another_host(_kept: Authenticator) -> None:
    Passkey.objects.update(rp_id="tasks.example.com")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (_other_rp, "passkey_rp_id"),
        (_nobody_there, "passkey_not_present"),
        (_not_verified, "passkey_not_verified"),
        (_other_key, "passkey_signature"),
        (_unknown, "passkey_unknown"),
        (_other_handle, "passkey_handle"),
        (_deactivated, "passkey_deactivated"),
        (_locked, "passkey_locked"),
        (_of_another_host, "passkey_other_host"),
    ],
)
def test_what_the_device_says_is_held_to_what_is_kept(
    kept: Authenticator, stranger: Client, change: Callable[[Authenticator], None], reason: str
) -> None:
    change(kept)
    assert refused(stranger, kept.get(options(stranger))).reason == reason


def test_a_count_that_went_back_is_said_and_locks(kept: Authenticator, stranger: Client, host: str) -> None:
    kept.count = 40
    assert stranger.post(SHOW, {"credential": kept.get(options(stranger))}).status_code == 302
    thief = Client(headers={"host": host})
    kept.count = 7
    assert refused(thief, kept.get(options(thief))).reason == "passkey_count"
    assert Passkey.objects.get().suspected_at is not None


def test_an_answer_twice_is_said_in_the_same_browser_and_across_processes(
    kept: Authenticator, stranger: Client, host: str
) -> None:
    asked = options(stranger)
    copy = Client(headers={"host": host})
    options(copy)
    session, twin = stranger.session, copy.session
    twin["_passkey"] = dict(session["_passkey"])
    twin.save()
    answer = kept.get(asked)
    assert stranger.post(SHOW, {"credential": answer}).status_code == 302
    assert refused(copy, kept.get(asked)).reason == "passkey_replay"
    SsoLogEntry.objects.all().delete()
    assert refused(copy, answer).reason == "passkey_no_challenge"


def test_a_late_answer_is_said(kept: Authenticator, stranger: Client) -> None:
    answer = kept.get(options(stranger))
    session = stranger.session
    session["_passkey"] = dict(session["_passkey"]) | {"ends": 1.0}
    session.save()
    assert refused(stranger, answer).reason == "passkey_late"


def test_another_companys_passkey_is_unknown_here_and_told_to_the_company_it_was_shown_to(
    kept: Authenticator, tenant: TenantRef, other_tenant: TenantRef
) -> None:
    host = Domain.objects.get(tenant_id=other_tenant.id).host
    client = Client(headers={"host": host})
    kept.origin, kept.rp_id = f"http://{host}", host
    answer = client.post(SHOW, {"credential": kept.get(options(client))})
    assert answer.status_code == 422
    assert entries() == []
    with tenant_scope(other_tenant):
        entry = SsoLogEntry.objects.get(event="passkey_sign_in")
    assert (entry.reason, entry.user_id) == ("passkey_unknown", None)


def test_somebody_elses_passkey_after_a_password_and_as_a_proof(
    kept: Authenticator, stranger: Client, guest: UserActor, member: UserActor, host: str
) -> None:
    Passkey.objects.create(user=guest.user, name="Own", credential_id=b"own", credential=b"", rp_id=host)
    stranger.post("/account/sign-in/", {"login": guest.user.email, "password": PASSWORD})
    entry = refused(stranger, kept.get(options(stranger)), "/account/sign-in/confirm/")
    assert (entry.event, entry.reason, entry.user) == (
        "passkey_second_factor", "passkey_other_person", member.user
    )  # fmt: skip
    SsoLogEntry.objects.all().delete()
    client = signed_in_client(host, guest)
    entry = refused(client, kept.get(options(client)), "/account/prove/")
    assert (entry.event, entry.reason) == ("passkey_proof", "passkey_other_person")


NONSENSE = {
    "nothing": ("", "passkey_malformed"),
    "null": ("null", "passkey_malformed"),
    "a list": ("[]", "passkey_malformed"),
    "half an object": ("{", "passkey_malformed"),
    "an empty object": ("{}", "passkey_malformed"),
    "a number for a name": ('{"id": 7}', "passkey_malformed"),
    "a deep well": ("[" * 9000, "passkey_malformed"),
    "too long by one": ("x" * 16_385, "passkey_too_large"),
    "a mebibyte": ("x" * MEBIBYTE, "passkey_too_large"),
    "signs nobody can keep": ('{"id": "\\u0000\\ud800"}', "passkey_malformed"),
}


@pytest.mark.parametrize("name", list(NONSENSE))
def test_what_no_browser_wrote_is_said_at_both_doors(
    stranger: Client, member: UserActor, host: str, name: str
) -> None:
    text, reason = NONSENSE[name]
    options(stranger)
    assert refused(stranger, text).reason == reason
    SsoLogEntry.objects.all().delete()
    client = signed_in_client(host, member)
    client.post(MAKE_OPTIONS)
    entry = refused(client, text, MAKE)
    assert (entry.event, entry.reason, entry.user) == ("passkey_set_up", reason, member.user)


def test_bytes_no_device_wrote_are_said(kept: Authenticator, stranger: Client) -> None:
    changes: tuple[dict[str, Any], ...] = (
        {"authenticatorData": "AAAA"}, {"clientDataJSON": coded(b"\xff\xfe")}, {"clientDataJSON": coded(b"[]")},
        {"authenticatorData": {}},
    )  # fmt: skip
    for change in changes:
        SsoLogEntry.objects.all().delete()
        assert refused(stranger, bent(kept.get(options(stranger)), **change)).reason == "passkey_malformed", (
            change
        )
    SsoLogEntry.objects.all().delete()
    for signature in (coded(b"no signature"), "", 7):
        SsoLogEntry.objects.all().delete()
        answer = bent(kept.get(options(stranger)), signature=signature)
        assert refused(stranger, answer).reason == "passkey_signature"


def test_a_body_of_another_type_is_said(stranger: Client) -> None:
    options(stranger)
    answer = stranger.post(SHOW, data="{}", content_type="application/json")
    assert answer.status_code == 422
    assert only_entry().reason == "passkey_malformed"


# --- making one


@pytest.fixture
def own_browser(member: UserActor, host: str) -> Client:
    """The member's own."""
    return signed_in_client(host, member)


@pytest.mark.parametrize("lie", [name for name, (_lies, reason) in LIES.items() if "type" not in reason])
def test_making_one_is_held_to_what_was_asked(
    own_browser: Client, device: Authenticator, member: UserActor, lie: str
) -> None:
    lies, reason = LIES[lie]
    entry = refused(own_browser, device.create(options(own_browser, MAKE_OPTIONS), **lies), MAKE)
    assert (entry.event, entry.reason, entry.user) == ("passkey_set_up", reason, member.user)
    assert not Passkey.objects.exists()


@pytest.mark.parametrize(
    ("flags", "rp_id", "reason"),
    [
        (USER_VERIFIED, "", "passkey_not_present"),
        (USER_PRESENT, "", "passkey_not_verified"),
        (USER_PRESENT | USER_VERIFIED, "localhost", "passkey_rp_id"),
    ],
)
def test_the_device_that_makes_one_is_held_to_it_too(
    own_browser: Client, device: Authenticator, flags: int, rp_id: str, reason: str
) -> None:
    device.flags, device.rp_id = flags, rp_id or device.rp_id
    assert refused(own_browser, device.create(options(own_browser, MAKE_OPTIONS)), MAKE).reason == reason


def attested(device: Authenticator, *, cose: Any = None, with_key: bool = True) -> bytes:
    """What a device says that it made: with another key, or without one."""
    if not with_key:
        return cbor.encode({"fmt": "none", "attStmt": {}, "authData": device._data(device.flags)})
    head = b"\0" * 16 + len(device.credential_id).to_bytes(2) + device.credential_id
    data = device._data(device.flags | ATTESTED) + head + cbor.encode(cose)
    return cbor.encode({"fmt": "none", "attStmt": {}, "authData": data})


def test_cbor_that_is_none_a_missing_key_and_one_of_another_kind(
    own_browser: Client, device: Authenticator
) -> None:
    def made(attestation: bytes) -> str:
        answer = device.create(options(own_browser, MAKE_OPTIONS))
        return bent(answer, attestationObject=coded(attestation))

    for attestation, reason in (
        (b"", "passkey_malformed"),
        (b"\xff" * 40, "passkey_malformed"),
        (cbor.encode({"fmt": "none", "attStmt": {}}), "passkey_malformed"),
        (b"\x9b" + b"\xff" * 8, "passkey_malformed"),
        # RSA with SHA-1, which nobody offered.
        (attested(device, cose={1: 3, 3: -65535, -1: b"n", -2: b"e"}), "passkey_algorithm"),
    ):
        SsoLogEntry.objects.all().delete()
        assert refused(own_browser, made(attestation), MAKE).reason == reason, attestation
    SsoLogEntry.objects.all().delete()
    assert refused(own_browser, made(attested(device, with_key=False)), MAKE).reason in {
        "passkey_malformed", "passkey_no_credential",
    }  # fmt: skip
    SsoLogEntry.objects.all().delete()
    device.credential_id = b"x" * 1024
    assert (
        refused(own_browser, device.create(options(own_browser, MAKE_OPTIONS)), MAKE).reason
        == "passkey_no_credential"
    )
    assert not Passkey.objects.exists()


def test_one_that_is_set_up_already_is_said(kept: Authenticator, own_browser: Client) -> None:
    entry = refused(own_browser, kept.create(options(own_browser, MAKE_OPTIONS)), MAKE)
    assert (entry.reason, entry.subject) == ("passkey_known_already", coded(kept.credential_id))


def test_an_answer_to_showing_makes_none(kept: Authenticator, own_browser: Client) -> None:
    own_browser.post(SHOW_OPTIONS)
    answer = kept.create(options(own_browser, MAKE_OPTIONS))
    own_browser.post(SHOW_OPTIONS)
    assert refused(own_browser, answer, MAKE).reason == "passkey_type"


# --- the log itself


def test_a_flood_of_nonsense_neither_fills_the_log_nor_hides_what_happens_at_a_provider(
    stranger: Client, member: UserActor, host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "tenants.accounts.sso.sso_log._MOST_REFUSALS_PER_MINUTE", {"provider": 120, "passkey": 3}
    )
    monkeypatch.setattr("tenants.accounts.delays.FREE_FOR_NETWORK", 1000)
    # Minutes change while a test runs: the count goes on all the same.
    monkeypatch.setattr("tenants.accounts.sso.sso_log._minute", lambda: "12:00")
    for _ in range(6):
        assert stranger.post(SHOW, {"credential": "x"}).status_code == 422
    assert len(entries()) == 3
    assert stranger.get("/sso/finish/?state=x").status_code == 400
    assert SsoLogEntry.objects.filter(event="sign_in", reason="unknown_state").count() == 1


def test_every_reason_is_brought_about_here_and_has_a_sentence() -> None:
    text = Path(__file__).read_text()
    for reason in PasskeyReason:
        assert f'"{reason.value}"' in text, reason
        assert SENTENCES[reason].endswith((".", "?"))
