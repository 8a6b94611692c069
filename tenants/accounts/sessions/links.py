"""Signing in by e-mail: a link and a code, once, for a quarter of an hour, for people who can do little harm.

Asking does the same for every address: one row, one job. Only the job knows whether somebody gets a letter, so neither
answer nor time tells who has an account. The letter's link opens a page with a button: programs that look at links in
mails spend nothing.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

import structlog
from django.db.models import F
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme

from tenants.accounts.access import Role, Sensitivity, UserActor, permission
from tenants.accounts.access.catalogue import is_known
from tenants.accounts.keyed_hashes import keyed_hash, matches, random_public_id, random_secret
from tenants.accounts.letters import SIGN_IN_LINK
from tenants.accounts.models import AccessPolicy, EmailDomain, SignInLink, User
from tenants.accounts.selectors import actor_for
from tenants.accounts.sso.enforcement import enforced_provider
from tenants.dispatch import enqueue
from tenants.foundation.crypto import Secret
from tenants.foundation.letters import Letter, write_letter
from tenants.models import Domain
from tenants.tenancy import atomic, current_tenant
from tenants.tenancy.addresses import primary_address, public_address

log = structlog.get_logger(__name__)

SIGN_IN_LINK_JOB: Final = "accounts.sign_in_link"
VALID_FOR: Final = timedelta(minutes=15)
# Letters to one person in one hour; whoever asks for more is answered the same and gets none.
MOST_LETTERS: Final = 5
MOST_TRIES: Final = 5
CODE_DIGITS: Final = 6
_PREFIX: Final = "nts_link_"


@dataclass(frozen=True)
class FoundLink:
    """A link that still works: whose it is, and whether this is the browser that asked for it."""

    user: User
    is_same_browser: bool


def new_browser_secret() -> str:
    """What the cookie of the browser holds that asks."""
    return random_secret()


@atomic
def ask_for_link(*, email: str, browser: str, next_path: str = "", host: str = "") -> None:
    """Have a letter with a link and a code sent to whoever has this address here and may come in by it.

    ``host`` is the one it is asked on; the link leads back there, "" to where letters lead.
    """
    user_id = (
        User.objects.filter(email=email.strip().lower(), is_active=True).values_list("pk", flat=True).first()
    )
    link = SignInLink.objects.create(
        user_id=user_id,
        browser_hash=keyed_hash("sign_in_browser", browser),
        next_path=_safe_path(next_path),
        host=host,
        expires_at=timezone.now() + VALID_FOR,
    )
    enqueue(SIGN_IN_LINK_JOB, object_id=link.pk, priority=10)


def link_letter(link_id: UUID) -> Letter | None:
    """Make link and code and write the letter that holds them; None for nobody, and for who may not come in so."""
    with atomic():
        rows = SignInLink.objects.select_for_update(of=("self",), no_key=True).select_related("user")
        link = rows.filter(pk=link_id, used_at=None, expires_at__gt=timezone.now()).first()
        if link is None or link.user is None:
            return None
        user, actor = link.user, actor_for(link.user)
        if reason := why_not(actor):
            log.info("sign_in_link.not_sent", user_id=user.pk, reason=reason)
            return None
        since = timezone.now() - timedelta(hours=1)
        sent = SignInLink.objects.filter(user=user, sent_at__gt=since).exclude(pk=link.pk).count()
        if sent >= MOST_LETTERS:
            log.warning("sign_in_link.not_sent", user_id=user.pk, reason="too_many")
            return None
        token = f"{_PREFIX}{random_public_id()}_{random_secret()}"
        code = f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}}"
        link.token_hash = keyed_hash("sign_in_link", token)
        link.code_hash = keyed_hash("sign_in_code", f"{link.pk}:{code}")
        link.standing = _standing(actor)
        link.sent_at = timezone.now()
        link.save(update_fields=["token_hash", "code_hash", "standing", "sent_at"])
        log.info("sign_in_link.written", user_id=user.pk, link_id=link.pk)
        return write_letter(
            SIGN_IN_LINK.code,
            to=user.email,
            language=user.language or current_tenant().language,
            facts={
                "company": current_tenant().name,
                "name": str(user),
                "code": f"{code[:3]} {code[3:]}",
                "minutes": int(VALID_FOR.total_seconds() // 60),
                "link": _address(link, reverse("account_open_sign_in_link", args=[Secret(token).reveal()])),
            },
        )


def _address(link: SignInLink, path: str) -> str:
    """On the host it was asked on, if that is the company's still."""
    hosts = Domain.objects.filter(tenant_id=current_tenant().id, host=link.host)
    return public_address(link.host, path) if link.host and hosts.exists() else primary_address(path)


def why_not(actor: UserActor) -> str:
    """Why somebody may not come in by e-mail; "" when they may. Three queries at most."""
    user = actor.user
    if not user.is_active or getattr(user, "service_account", None) is not None:
        return "inactive"
    allowed = AccessPolicy.objects.values_list("link_sign_in", flat=True).first()
    who = AccessPolicy.LinkSignIn(allowed or AccessPolicy.LinkSignIn.GUESTS)
    if who == AccessPolicy.LinkSignIn.NOBODY:
        return "company"
    if who == AccessPolicy.LinkSignIn.GUESTS and not actor.roles <= {Role.GUEST}:
        return "role"
    held = actor.own_holding.anywhere()
    if any(is_known(code) and permission(code).sensitivity is not Sensitivity.NORMAL for code in held):
        return "sensitive"
    if _belongs_to_provider(user.email, is_guest=actor.roles <= {Role.GUEST}):
        return "single_sign_on"
    return ""


def _belongs_to_provider(email: str, *, is_guest: bool) -> bool:
    """Whether single sign-on is the way in for an address: of a captured domain, or where a provider is enforced.

    An enforced provider is for the company's own people; a guest from elsewhere has no account there.
    """
    domain = EmailDomain.objects.filter(
        domain=email.partition("@")[2], state=EmailDomain.State.VERIFIED
    ).first()
    if domain is not None and domain.captured_by_id is not None:
        return True
    return enforced_provider() is not None and (domain is not None or not is_guest)


@atomic
def find_link(*, token: str, browser: str) -> FoundLink | None:
    """Whose link this is, without spending it; None for one that is unknown, used, old or of somebody who changed."""
    link = _by_token(token)
    if link is None or link.user is None or not _still_counts(link):
        return None
    return FoundLink(link.user, _is_same_browser(link, browser))


@atomic
def spend_link(*, token: str, browser: str) -> tuple[User, str] | None:
    """Use a link up; return who it signs in and where they wanted to be, None when it is not valid (any more)."""
    link = _by_token(token, lock=True)
    if link is None or link.user is None or not _still_counts(link):
        log.info("sign_in_link.refused")
        return None
    return _spent(link, "link" if _is_same_browser(link, browser) else "link_elsewhere")


@atomic
def spend_code(*, code: str, browser: str) -> tuple[User, str] | None:
    """Use a code up, in the browser that asked for it; five wrong ones make its link worthless too."""
    digits = "".join(sign for sign in code if sign.isdigit())
    if not browser:
        return None
    rows = SignInLink.objects.select_for_update(of=("self",), no_key=True).select_related("user")
    link = (
        rows.filter(browser_hash=keyed_hash("sign_in_browser", browser), used_at=None)
        .order_by("-created_at", "-pk")
        .first()
    )
    if link is None:
        return None
    expected = keyed_hash("sign_in_code", f"{link.pk}:{digits}")
    SignInLink.objects.filter(pk=link.pk).update(tries=F("tries") + 1)
    is_right = link.code_hash is not None and secrets.compare_digest(bytes(link.code_hash), expected)
    if not is_right or not _still_counts(link):
        log.info("sign_in_code.refused", link_id=link.pk, tries=link.tries + 1)
        return None
    return _spent(link, "code")


@atomic
def delete_old_links(*, limit: int = 5000) -> int:
    """Delete what ran out a day ago; return how many went."""
    old = SignInLink.objects.filter(expires_at__lt=timezone.now() - timedelta(days=1)).values("pk")[:limit]
    return SignInLink.objects.filter(pk__in=old).delete()[0]


def _by_token(token: str, *, lock: bool = False) -> SignInLink | None:
    if not token.startswith(_PREFIX) or not token.isascii():
        return None
    rows = SignInLink.objects.select_related("user")
    if lock:
        rows = rows.select_for_update(of=("self",), no_key=True)
    return rows.filter(token_hash=keyed_hash("sign_in_link", token)).first()


def _still_counts(link: SignInLink) -> bool:
    if link.user is None or link.used_at is not None or link.expires_at <= timezone.now():
        return False
    if link.tries >= MOST_TRIES or link.standing is None:
        return False
    actor = actor_for(link.user)
    return not why_not(actor) and secrets.compare_digest(bytes(link.standing), _standing(actor))


def _spent(link: SignInLink, way: str) -> tuple[User, str]:
    assert link.user is not None
    link.used_at = timezone.now()
    link.save(update_fields=["used_at"])
    log.info("sign_in_link.used", user_id=link.user.pk, link_id=link.pk, way=way)
    return link.user, link.next_path


def _is_same_browser(link: SignInLink, browser: str) -> bool:
    return bool(browser) and matches(link.browser_hash, "sign_in_browser", browser)


def _standing(actor: UserActor) -> bytes:
    """What a person is: another password, role or right since makes another one."""
    held = actor.own_holding
    parts = [
        actor.user.password,
        *sorted(role.value for role in actor.roles),
        *sorted(held.everywhere),
        *sorted(f"{code}@{scope}" for code, scope in held.within),
    ]
    return keyed_hash("sign_in_standing", "\n".join(parts))


def _safe_path(path: str) -> str:
    is_safe = url_has_allowed_host_and_scheme(path, allowed_hosts=None) and path.startswith("/")
    return path if is_safe and len(path) <= 500 else ""
