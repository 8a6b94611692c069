"""Back-channel logout (OpenID Connect): the provider itself says whose sign-ins are over, in a token it has signed."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

import jwt
import structlog

from tenants.accounts.models import IdentityProvider
from tenants.accounts.sso import sso_log
from tenants.accounts.sso.ending import end_provider_sessions, forget_answers
from tenants.accounts.sso.oidc.discovery import discover
from tenants.accounts.sso.oidc.tokens import SKEW_SECONDS, readable_header, verified
from tenants.accounts.sso.pending import use_assertion
from tenants.accounts.sso.reasons import Reason, SsoRefused
from tenants.tenancy import atomic

log = structlog.get_logger(__name__)

EVENT: Final = "http://schemas.openid.net/event/backchannel-logout"
_WHAT: Final = "logout token"
_REQUIRED: Final = ("iss", "aud", "iat", "exp", "jti")
_LONGEST_TOKEN: Final = 16 * 1024
_LONGEST_NAME: Final = 512
# A token is about now: older ones are refused, and used ones are remembered as long as they could count.
_OLDEST: Final = timedelta(minutes=10)
# RFC 8725: a token says what it is, so that none made for something else is taken for it. Many providers say nothing.
_TYPES: Final = ("", "jwt", "logout+jwt", "application/logout+jwt")


def accept_logout_token(*, provider_id: UUID, token: str, visit: sso_log.Visit | None = None) -> int:
    """End the sign-ins a token names and note it in the log, at once; return how many of the provider's sessions.

    Nobody being signed in any more is a success as well.
    May ask the provider for its configuration and keys, so call it outside any transaction. Raises: SsoRefused.
    """
    with atomic():
        provider = IdentityProvider.objects.filter(pk=provider_id, kind=IdentityProvider.Kind.OIDC).first()
    # One that was switched off again may still end what it began.
    if provider is None or provider.state == IdentityProvider.State.DRAFT:
        raise SsoRefused(Reason.NOT_OFFERED)
    _check_outside(provider, token)
    said, _algorithm = verified(
        provider,
        discover(provider.issuer),
        token,
        what=_WHAT,
        required=_REQUIRED,
        invalid=Reason.LOGOUT_TOKEN,
    )
    subject, session = _checked(said)
    with atomic():
        used_until = datetime.fromtimestamp(float(said["iat"]), UTC) + _OLDEST + timedelta(minutes=5)
        use_assertion(provider, f"logout token {said['jti']}", used_until)
        # Sign-ins from before the provider sent ``sid`` are of no known session: the person's are all meant.
        indexes = [session, *([""] if subject else [])] if session else []
        ended = end_provider_sessions(provider, subject=subject, indexes=indexes)
        forget_answers(provider, subject=subject)
        # In the same transaction: the token counts once, so nobody could note it later.
        sso_log.note(
            event="logout",
            outcome=sso_log.Outcome.ACCEPTED,
            provider=provider,
            visit=visit,
            subject=subject,
            detail=f"{ended} sessions ended.",
        )
    return ended


def _check_outside(provider: IdentityProvider, token: str) -> None:
    """Refuse what is plainly none of this provider's before it is asked for anything: strangers post here, too."""
    if not token:
        raise SsoRefused(Reason.MALFORMED, "There is no logout_token in the form.")
    if len(token) > _LONGEST_TOKEN:
        raise SsoRefused(Reason.TOO_LARGE)
    header = readable_header(token, what=_WHAT, invalid=Reason.MALFORMED)
    kind = str(header.get("typ") or "").lower()
    if kind not in _TYPES:
        raise SsoRefused(Reason.LOGOUT_TOKEN, f"The token says that it is a {kind[:40]}.")
    try:
        said = jwt.decode(token, options={"verify_signature": False})
    except (jwt.PyJWTError, RecursionError) as error:
        raise SsoRefused(Reason.MALFORMED, "The logout token cannot be read.") from error
    if said.get("iss") != provider.issuer:
        raise SsoRefused(Reason.ISSUER, f"The logout token names the issuer {str(said.get('iss'))[:200]}.")


def _checked(said: dict[str, Any]) -> tuple[str, str]:
    """Subject and session a verified token names, at least one of them. Raises: SsoRefused."""
    if float(said["iat"]) < time.time() - _OLDEST.total_seconds() - SKEW_SECONDS:
        raise SsoRefused(Reason.EXPIRED, "The logout token is more than ten minutes old.")
    events = said.get("events")
    if not isinstance(events, dict) or not isinstance(events.get(EVENT), dict):
        raise SsoRefused(Reason.LOGOUT_TOKEN, "The token is about no logout: its events do not say so.")
    if "nonce" in said:
        raise SsoRefused(Reason.LOGOUT_TOKEN, "The token has a nonce, as only tokens of a sign-in have.")
    if not isinstance(said["jti"], str) or not 0 < len(said["jti"]) <= _LONGEST_NAME:
        raise SsoRefused(Reason.LOGOUT_TOKEN, "The token has no name of its own (jti).")
    subject, session = said.get("sub"), said.get("sid")
    for name, value in (("sub", subject), ("sid", session)):
        if value is not None and not (isinstance(value, str) and 0 < len(value) <= _LONGEST_NAME):
            raise SsoRefused(Reason.LOGOUT_TOKEN, f"The token's {name} is not a text.")
    if subject is None and session is None:
        raise SsoRefused(Reason.LOGOUT_TOKEN, "The token names neither a person (sub) nor a session (sid).")
    return subject or "", session or ""
