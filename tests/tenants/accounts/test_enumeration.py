"""Nobody learns at a door who is in a company: text, status, statements and password hashes are the same for all.

Seconds are not measured, they would be the machine's: what costs them is counted.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.hashers import MD5PasswordHasher
from django.core.cache import cache
from django.db import connections
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from tenants.accounts.access import SYSTEM, Role, UserActor
from tenants.accounts.invitations.services import invite_user, revoke_invitation
from tenants.accounts.models import IdentityProvider, Invitation, User
from tenants.accounts.tokens.service_accounts import create_service_account
from tenants.models import Tenant
from tenants.tenancy import TenantRef, atomic
from tenants.tenancy.directory import directory
from tenants.tenancy.transactions import current_alias
from tests.people import PASSWORD, person

WRONG = "a wrong password of nobody"
# One-time values, ids and what was typed: all a page may differ by.
DIFFERENT = (
    r"\b[A-Za-z0-9]{64}\b",
    r"nonce-[\w-]+",
    r'value="[^"]*@[^"]*"',
    r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",
    r"\d{4}-\d\d-\d\dT[\d:.]+Z",
)


@dataclass(frozen=True)
class Seen:
    """What a stranger gets and what it costs."""

    status: int
    place: str
    text: str
    statements: tuple[str, ...]
    hashes: int


@pytest.fixture
def hashes(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """One entry for each time a password is hashed."""
    counted: list[str] = []
    encode = MD5PasswordHasher.encode

    def counting(self: Any, password: str, salt: str) -> str:
        counted.append(password)
        return str(encode(self, password, salt))

    monkeypatch.setattr(MD5PasswordHasher, "encode", counting)
    return counted


@pytest.fixture
def people(tenant: TenantRef) -> dict[str, str]:
    """An address of each kind → the address."""
    gone = person(tenant, Role.MEMBER, "Gone Person-Example")
    User.objects.filter(pk=gone.user_id).update(is_active=False)
    # By single sign-on alone: no password was ever made.
    only_sso = person(tenant, Role.MEMBER, "Solo Person-Example").user
    only_sso.set_unusable_password()
    only_sso.save(update_fields=["password"])
    program = create_service_account(name="Canary", role=Role.MEMBER, actor=SYSTEM)
    return {
        "known": person(tenant, Role.MEMBER, "Known Person-Example").user.email,
        "guest": person(tenant, Role.GUEST, "Guest Person-Example").user.email,
        "deactivated": gone.user.email,
        "only single sign-on": only_sso.email,
        "program": program.user.email,
        "unknown": f"nobody-here@{tenant.slug}.example",
        "unknown elsewhere": "nobody@elsewhere.example",
    }


@pytest.fixture
def look(host: str, hashes: list[str]) -> Callable[..., Seen]:
    """Post a form as a browser that was never here."""

    def looked(path: str, form: dict[str, str] | None, *, as_json: bool = False) -> Seen:
        cache.clear()
        client = Client(headers={"host": host})
        # What a process remembers of the company and its brand is remembered.
        client.get("/account/sign-in/")
        hashes.clear()
        with counted() as statements:
            if form is None:
                answer = client.get(path)
            elif as_json:
                once = {"Idempotency-Key": uuid4().hex}
                answer = client.post(path, form, content_type="application/json", headers=once)
            else:
                answer = client.post(path, form)
        return Seen(
            answer.status_code,
            answer.get("Location", ""),
            visible(answer.content.decode()),
            tuple(statements),
            len(hashes),
        )

    return looked


@contextmanager
def counted() -> Iterator[list[str]]:
    """The statements sent to the company's database and the platform's, without their values."""
    sent: list[str] = []
    with (
        CaptureQueriesContext(connections[current_alias()]) as here,
        CaptureQueriesContext(connections["default"]) as there,
    ):
        yield sent
    # The directory asks once a second for what has changed, whoever comes.
    sent += [kind_of(each["sql"]) for each in (*here, *there) if "tenants_directory" not in each["sql"]]


def kind_of(sql: str) -> str:
    """The statement as it would be prepared."""
    return re.sub(r"'[^']*'(::\w+(\[\])?)?|\b\d+\b|\bNULL\b|_django_curs_\w+", "?", sql)


def visible(page: str) -> str:
    for pattern in DIFFERENT:
        page = re.sub(pattern, "", page)
    return page


def all_alike(seen: dict[str, Seen], *, is_costing_the_same: bool = True) -> None:
    """Fail with what tells somebody from an unknown person."""
    nobody = seen["unknown"]
    for who, each in seen.items():
        assert (each.status, each.place, each.hashes) == (nobody.status, nobody.place, nobody.hashes), who
        assert each.text == nobody.text, who
        if is_costing_the_same:
            assert [*each.statements] == [*nobody.statements], who


@pytest.mark.parametrize("is_enforced", [False, True], ids=["own passwords", "single sign-on enforced"])
def test_a_wrong_password_tells_nothing(
    is_enforced: bool, look: Callable[..., Seen], people: dict[str, str]
) -> None:
    if is_enforced:
        enforce()
    seen = {
        who: look("/account/sign-in/", {"login": email, "password": WRONG}) for who, email in people.items()
    }
    all_alike(seen)
    assert seen["unknown"].hashes == 1


def test_nor_does_the_right_one_where_it_does_not_count(
    look: Callable[..., Seen], people: dict[str, str]
) -> None:
    """Who guessed it is not told so: not for somebody deactivated, nor while single sign-on is the only way in."""
    enforce()
    seen = {
        who: look("/account/sign-in/", {"login": email, "password": PASSWORD})
        for who, email in people.items()
    }
    all_alike(seen)


def test_the_right_password_of_somebody_deactivated_tells_nothing(
    look: Callable[..., Seen], people: dict[str, str]
) -> None:
    seen = {
        who: look("/account/sign-in/", {"login": people[who], "password": PASSWORD})
        for who in ("deactivated", "unknown", "only single sign-on")
    }
    all_alike(seen)


@pytest.mark.parametrize("path", ["/account/password/reset/", "/account/link/"])
@pytest.mark.parametrize("is_enforced", [False, True], ids=["own passwords", "single sign-on enforced"])
def test_asking_for_a_letter_tells_nothing(
    path: str, is_enforced: bool, look: Callable[..., Seen], people: dict[str, str]
) -> None:
    if is_enforced:
        enforce()
    first = {who: look(path, {"email": email}) for who, email in people.items()}
    all_alike(first)
    assert first["known"].status == 302
    # Asked again, while the first letter is on its way.
    all_alike({who: look(path, {"email": email}) for who, email in people.items()})


def test_a_link_for_a_new_password_tells_no_ids(
    look: Callable[..., Seen], people: dict[str, str], member: UserActor
) -> None:
    """Whose id is guessed is not asked for what it costs: ids are random, and in no page of a stranger."""
    ids = {"known": member.user_id.hex, "unknown": "0" * 31 + "1"}
    seen = {
        who: look(f"/account/password/reset/key/{number}-abcdef-0123456789/", None)
        for who, number in ids.items()
    }
    all_alike(seen, is_costing_the_same=False)


def test_an_invitation_that_is_over_is_like_one_that_never_was(
    look: Callable[..., Seen], tenant: TenantRef, owner: UserActor
) -> None:
    tokens = {}
    for who in ("revoked", "accepted", "run out"):
        issued = invite_user(email=f"{who.split()[0]}@elsewhere.example", role=Role.MEMBER, actor=SYSTEM)
        tokens[who] = issued.token.reveal()
        rows = Invitation.objects.filter(pk=issued.invitation.pk)
        match who:
            case "revoked":
                revoke_invitation(invitation=issued.invitation, actor=owner)
            case "accepted":
                rows.update(accepted_at=issued.invitation.created_at)
            case _:
                rows.update(expires_at=issued.invitation.created_at)
    tokens["unknown"] = tokens["revoked"][:-1] + ("a" if tokens["revoked"][-1] != "a" else "b")
    all_alike({who: look(f"/invitations/{token}/", None) for who, token in tokens.items()})


@pytest.mark.parametrize("path", ["/sign-up/", "/api/v1/signups/"])
def test_signing_up_a_company_tells_nobody_who_is_in_one(
    path: str,
    look: Callable[..., Seen],
    people: dict[str, str],
    tenant: TenantRef,
    other_tenant: TenantRef,
    settings: Settings,
) -> None:
    settings.SIGN_UPS_ARE_OPEN = True
    Tenant.objects.filter(pk=tenant.id).update(slug="platform")
    directory.forget()
    asked = people | {"owner of a company": f"owner@{other_tenant.slug}.example"}
    is_json = path.startswith("/api/")
    seen = {who: look(path, {"email": email}, as_json=is_json) for who, email in asked.items()}
    all_alike(seen)
    assert seen["unknown"].status == (202 if is_json else 302)


def enforce() -> None:
    """Make single sign-on the only way in."""
    with atomic():
        IdentityProvider.objects.create(
            name="Example", kind="saml", preset="saml", issuer="https://idp.example/",
            state=IdentityProvider.State.ENFORCED,
        )  # fmt: skip
