"""Signing in by e-mail: one answer for every address, a link and a code that work once, and who may not use them."""

import re
from collections.abc import Callable
from datetime import timedelta
from urllib.parse import urlsplit
from uuid import UUID

import pytest
from django.core import mail
from django.core.cache import cache
from django.db import connections
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tenants.accounts.access import Role, UserActor
from tenants.accounts.access.bindings import Holder, grant_role
from tenants.accounts.mfa.services import has_second_factor
from tenants.accounts.models import (
    AccessPolicy,
    AuthenticatorApp,
    EmailDomain,
    IdentityProvider,
    SignInLink,
    User,
    UserSession,
)
from tenants.accounts.selectors import actor_for
from tenants.accounts.sessions.links import (
    MOST_LETTERS,
    MOST_TRIES,
    ask_for_link,
    delete_old_links,
    find_link,
    link_letter,
    spend_code,
    spend_link,
    why_not,
)
from tenants.accounts.sessions.policy import change_rules, current_rules
from tenants.foundation.errors import Forbidden, InvalidInput
from tenants.foundation.ids import uuid7
from tenants.models import Domain
from tenants.tenancy import TenantRef
from tests.people import person

ASK, CODE = "/account/link/", "/account/link/code/"
BROWSER = "an invented browser"


@pytest.fixture(autouse=True)
def nobody_has_tried(tenant: TenantRef) -> None:
    """Tries are counted in the cache, which outlives a test."""
    cache.clear()


def asked(email: str, browser: str = BROWSER, next_path: str = "") -> tuple[str, str]:
    """Ask, have the letter written, and read token and code out of it; both empty when there is none."""
    ask_for_link(email=email, browser=browser, next_path=next_path)
    link = SignInLink.objects.latest("created_at", "pk")
    return read(link.pk)


def read(link_id: UUID) -> tuple[str, str]:
    letter = link_letter(link_id)
    if letter is None:
        return "", ""
    token = re.search(r"/account/link/(nts_link_\w+)/", letter.text)
    code = re.search(r"\b(\d{3}) (\d{3})\b", letter.text)
    assert token
    assert code
    return token[1], code[1] + code[2]


def again(actor: UserActor) -> UserActor:
    return actor_for(User.objects.get(pk=actor.user_id))


def allow_links(who: str, actor: UserActor) -> None:
    """Save the rules with another choice of who may come in by e-mail."""
    rules = current_rules()
    names = ("idle_minutes", "absolute_hours", "step_up_minutes", "mfa_grace_days", "token_max_days")
    numbers = {name: getattr(rules, name) for name in names}
    change_rules(
        actor=actor,
        address="127.0.0.1",
        allowed_networks=[],
        mfa_required_for=[],
        link_sign_in=who,
        **numbers,
    )


# --- who gets none


@pytest.mark.parametrize(
    "role", [Role.OWNER, Role.ADMIN, Role.SECURITY, Role.MANAGER, Role.MEMBER, Role.AUDITOR]
)
def test_only_guests_come_in_by_it_unless_the_company_says_more(tenant: TenantRef, role: Role) -> None:
    actor = person(tenant, role, "Rene Role-Example")
    assert why_not(actor) == "role"
    assert asked(actor.user.email) == ("", "")


@pytest.mark.parametrize(("role", "reason"), [
    (Role.OWNER, "sensitive"), (Role.ADMIN, "sensitive"), (Role.SECURITY, "sensitive"), (Role.MEMBER, ""),
])  # fmt: skip
def test_who_holds_something_sensitive_never_does(
    tenant: TenantRef, owner: UserActor, role: Role, reason: str
) -> None:
    allow_links(who="everybody", actor=owner)
    assert why_not(person(tenant, role, "Rene Role-Example")) == reason


def test_a_company_can_switch_it_off(guest: UserActor, owner: UserActor, member: UserActor) -> None:
    token, _code = asked(guest.user.email)
    allow_links(who="nobody", actor=owner)
    assert why_not(guest) == "company"
    assert spend_link(token=token, browser=BROWSER) is None
    with pytest.raises(Forbidden):
        allow_links(who="everybody", actor=member)
    with pytest.raises(InvalidInput):
        allow_links(who="all", actor=owner)


def test_somebody_deactivated_gets_none(guest: UserActor) -> None:
    User.objects.filter(pk=guest.user_id).update(is_active=False)
    assert asked(guest.user.email) == ("", "")


def test_single_sign_on_is_the_way_in_where_it_is_enforced(tenant: TenantRef, guest: UserActor) -> None:
    provider = IdentityProvider.objects.create(
        name="Works",
        kind="saml",
        preset="saml",
        issuer="https://idp.example/",
        state=IdentityProvider.State.ENFORCED,
    )
    # A guest from elsewhere has no account there.
    assert why_not(guest) == ""
    domain = EmailDomain.objects.create(
        domain=f"{tenant.slug}.example", nonce="n", state=EmailDomain.State.VERIFIED
    )
    assert why_not(guest) == "single_sign_on"
    IdentityProvider.objects.update(state=IdentityProvider.State.ACTIVE)
    assert why_not(guest) == ""
    EmailDomain.objects.filter(pk=domain.pk).update(captured_by=provider)
    assert why_not(guest) == "single_sign_on"


def test_letters_to_one_person_have_an_end(guest: UserActor) -> None:
    written = [bool(asked(guest.user.email)[0]) for _ in range(MOST_LETTERS + 2)]
    assert written == [True] * MOST_LETTERS + [False, False]


def test_asking_costs_the_same_for_every_address(tenant: TenantRef, guest: UserActor) -> None:
    costs = []
    for email in (guest.user.email, "nobody@elsewhere.example"):
        with CaptureQueriesContext(connections[tenant.cell]) as captured:
            ask_for_link(email=email, browser=BROWSER)
        costs.append([re.sub(r"'[^']*'", "?", query["sql"])[:60] for query in captured])
    assert costs[0] == costs[1]
    assert SignInLink.objects.count() == 2


# --- once, in time, as the same person


def test_a_link_works_once(guest: UserActor) -> None:
    token, code = asked(guest.user.email)
    found = find_link(token=token, browser=BROWSER)
    assert found is not None
    assert (found.user, found.is_same_browser) == (guest.user, True)
    assert find_link(token=token, browser="another") is not None
    spent = spend_link(token=token, browser=BROWSER)
    assert spent is not None
    assert spent[0] == guest.user
    assert spend_link(token=token, browser=BROWSER) is None
    assert spend_code(code=code, browser=BROWSER) is None
    assert find_link(token=token, browser=BROWSER) is None


@pytest.mark.parametrize(
    "token", ["", "nts_link_", "nts_invite_abc", "nts_link_é", "nts_link_aaaaaaaaaaaa_bbbb"]
)
def test_what_is_no_link_is_nothing(tenant: TenantRef, token: str) -> None:
    assert find_link(token=token, browser=BROWSER) is None
    assert spend_link(token=token, browser=BROWSER) is None


def test_a_link_runs_out(guest: UserActor) -> None:
    token, code = asked(guest.user.email)
    SignInLink.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert spend_link(token=token, browser=BROWSER) is None
    assert spend_code(code=code, browser=BROWSER) is None


def test_another_role_or_password_makes_it_worthless(guest: UserActor, owner: UserActor) -> None:
    AccessPolicy.objects.create(link_sign_in="everybody")
    token, _code = asked(guest.user.email)
    grant_role(holder=Holder("user", guest.user_id), role=Role.MEMBER, actor=owner)
    assert why_not(again(guest)) == ""
    assert spend_link(token=token, browser=BROWSER) is None
    token, _code = asked(guest.user.email)
    user = User.objects.get(pk=guest.user_id)
    user.set_password("another entirely invented phrase")
    user.save()
    assert spend_link(token=token, browser=BROWSER) is None


def test_a_code_works_only_in_the_browser_that_asked(guest: UserActor) -> None:
    _token, code = asked(guest.user.email)
    assert spend_code(code=code, browser="another") is None
    assert spend_code(code=code, browser="") is None
    spent = spend_code(code=f"{code[:3]} {code[3:]}", browser=BROWSER)
    assert spent is not None
    assert spent[0] == guest.user


def test_five_wrong_codes_spend_the_link_too(guest: UserActor) -> None:
    token, code = asked(guest.user.email)
    wrong = f"{(int(code) + 1) % 1_000_000:06}"
    for _ in range(MOST_TRIES):
        assert spend_code(code=wrong, browser=BROWSER) is None
    assert spend_code(code=code, browser=BROWSER) is None
    assert spend_link(token=token, browser=BROWSER) is None


def test_nothing_readable_is_kept(guest: UserActor) -> None:
    token, code = asked(guest.user.email)
    row = SignInLink.objects.get()
    kept = b"".join(
        bytes(each or b"") for each in (row.token_hash, row.code_hash, row.browser_hash, row.standing)
    )
    for secret in (token, code, BROWSER):
        assert secret.encode() not in kept


@pytest.mark.parametrize(("wanted", "kept"), [
    ("/portal/tasks/OPS-1/", "/portal/tasks/OPS-1/"), ("https://evil.example/", ""), ("//evil.example/", ""),
    ("/\\evil.example", ""), ("javascript:alert(1)", ""), ("portal/", ""),
])  # fmt: skip
def test_the_way_on_stays_on_this_host(guest: UserActor, wanted: str, kept: str) -> None:
    ask_for_link(email=guest.user.email, browser=BROWSER, next_path=wanted)
    assert SignInLink.objects.get().next_path == kept


def test_what_ran_out_yesterday_is_deleted(guest: UserActor) -> None:
    asked(guest.user.email)
    ask_for_link(email="nobody@elsewhere.example", browser=BROWSER)
    SignInLink.objects.filter(user=None).update(expires_at=timezone.now() - timedelta(days=2))
    assert delete_old_links() == 1
    assert SignInLink.objects.get().user == guest.user


# --- the doors


def last_letter() -> tuple[str, str]:
    return read(SignInLink.objects.latest("created_at", "pk").pk)


def test_the_answer_is_the_same_for_everybody(stranger: Client, guest: UserActor, host: str) -> None:
    answers = []
    for email in (guest.user.email, "nobody@elsewhere.example", f"owner@{host.partition('.')[0]}.example"):
        answer = stranger.post(ASK, {"email": email})
        page = stranger.get(CODE).content.decode()
        answers.append(
            (answer.status_code, answer.headers["Location"], re.sub(r"\b[A-Za-z0-9]{64}\b", "", page))
        )
    assert answers[0] == answers[1] == answers[2]
    assert answers[0][1] == CODE
    assert mail.outbox == []


def test_a_scanner_spends_nothing_and_a_click_signs_in(stranger: Client, host: str, guest: UserActor) -> None:
    stranger.post(ASK, {"email": guest.user.email, "next": "/portal/approvals/"})
    token, _code = last_letter()
    address = f"/account/link/{token}/"
    scanner = Client(headers={"host": host})
    for client in (scanner, stranger, stranger):
        assert client.get(address).status_code == 200
    assert "another browser" in scanner.get(address).content.decode()
    page = stranger.get(address).content.decode()
    assert "another browser" not in page
    assert guest.user.email in page
    answer = stranger.post(address)
    assert answer.headers["Location"] == "/portal/approvals/"
    assert stranger.get("/portal/").status_code == 200
    row = UserSession.objects.get(user=guest.user)
    assert (row.method, row.second_factor) == ("link", "")
    assert scanner.post(address).status_code == 404
    assert scanner.get(address).status_code == 404


def test_the_code_signs_in_where_it_was_asked_for(stranger: Client, host: str, guest: UserActor) -> None:
    stranger.post(ASK, {"email": guest.user.email})
    _token, code = last_letter()
    elsewhere = Client(headers={"host": host})
    assert elsewhere.post(CODE, {"code": code}).status_code == 422
    assert stranger.post(CODE, {"code": "abc"}).status_code == 422
    assert stranger.post(CODE, {"code": code}).headers["Location"] == "/"
    assert stranger.get("/").headers["Location"] == "/portal/"


def test_a_second_factor_is_asked_for(stranger: Client, guest: UserActor) -> None:
    AuthenticatorApp.objects.create(user=guest.user, secret_id=uuid7(), confirmed_at=timezone.now())
    assert has_second_factor(guest.user)
    stranger.post(ASK, {"email": guest.user.email})
    _token, code = last_letter()
    assert stranger.post(CODE, {"code": code}).headers["Location"].startswith("/account/sign-in/confirm/")
    assert stranger.get("/portal/").status_code == 302
    assert not UserSession.objects.filter(user=guest.user).exists()


def test_whoever_was_signed_in_is_signed_out(
    login_as: Callable[[UserActor], Client], member: UserActor, guest: UserActor
) -> None:
    token, _code = asked(guest.user.email)
    client = login_as(member)
    assert client.post(f"/account/link/{token}/").status_code == 302
    assert client.get("/portal/").status_code == 200
    assert client.get("/tasks/").status_code == 404


def test_asking_too_often_is_slowed_down(stranger: Client) -> None:
    statuses = [stranger.post(ASK, {"email": "nobody@elsewhere.example"}).status_code for _ in range(6)]
    assert statuses[:4] == [302] * 4
    assert statuses[-1] == 429
    assert SignInLink.objects.count() < 6
    assert stranger.post(ASK, {"email": "not an address"}).status_code == 422


def test_a_link_leads_back_to_the_host_it_was_asked_on_while_that_is_the_companys(
    tenant: TenantRef, guest: UserActor, host: str, other_tenant: TenantRef
) -> None:
    def led_to(asked_on: str) -> str | None:
        ask_for_link(email=guest.user.email, browser=BROWSER, host=asked_on)
        letter = link_letter(SignInLink.objects.latest("created_at", "pk").pk)
        assert letter is not None
        address = re.search(r"https?://\S+/account/link/\S+", letter.text)
        assert address
        return urlsplit(address[0]).hostname

    Domain.objects.create(tenant_id=tenant.id, host="tasks.example.com")
    assert led_to("tasks.example.com") == "tasks.example.com"
    assert led_to("") == host
    # Given up in the meantime, or never theirs.
    Domain.objects.filter(host="tasks.example.com").delete()
    assert led_to("tasks.example.com") == host
    assert led_to(Domain.objects.get(tenant_id=other_tenant.id).host) == host
