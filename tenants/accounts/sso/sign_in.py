"""A sign-in from the first click to the account: what each protocol ends in."""

from typing import Final
from uuid import UUID

from django.contrib.sessions.backends.base import SessionBase

from tenants.accounts.models import ExternalIdentity, IdentityProvider, PendingSignIn, SsoSession, User
from tenants.accounts.sessions.services import ROW_KEY
from tenants.accounts.sso import pending
from tenants.accounts.sso.claims import Claims, claims_of_assertion
from tenants.accounts.sso.provisioning import Arrival, arrive
from tenants.accounts.sso.reasons import Reason, SsoRefused
from tenants.accounts.sso.saml.requests import request_address
from tenants.accounts.sso.saml.responses import SamlAnswer, check_response, request_answered_by
from tenants.tenancy import atomic

# Where a browser's session keeps by whom it came.
SESSION_KEY: Final = "sso"


def offered_provider(provider_id: UUID, *, tester: User | None = None) -> IdentityProvider:
    """Return a provider people may use now; who tests may use it from its test mode on. Raises: SsoRefused."""
    provider = IdentityProvider.objects.filter(pk=provider_id).first()
    if provider is None:
        raise SsoRefused(Reason.NOT_OFFERED)
    may_test = tester is not None and provider.state != IdentityProvider.State.DRAFT
    if not (provider.is_offered or may_test):
        raise SsoRefused(Reason.NOT_OFFERED)
    return provider


@atomic
def start_saml(
    *,
    provider_id: UUID,
    browser: str,
    next_path: str = "",
    tester: User | None = None,
    is_by_link: bool = False,
) -> str:
    """Return the address to send the browser to. Raises: SsoRefused."""
    provider = offered_provider(provider_id, tester=tester)
    if provider.kind != IdentityProvider.Kind.SAML:
        raise SsoRefused(Reason.NOT_OFFERED)
    begun = pending.begin(
        provider=provider, browser=browser, next_path=next_path, tester=tester, is_by_link=is_by_link
    )
    return request_address(provider, begun)


@atomic
def accept_saml(*, provider_id: UUID, text: str, relay_state: str, path: str, browser: str) -> str:
    """Believe a posted response or not; return the state under which the browser finishes.

    Raises: SsoRefused. What is refused leaves the sign-in it answers as it was.
    """
    provider = IdentityProvider.objects.filter(pk=provider_id, kind=IdentityProvider.Kind.SAML).first()
    if provider is None or provider.state == IdentityProvider.State.DRAFT:
        raise SsoRefused(Reason.NOT_OFFERED)
    if not request_answered_by(text):
        return _unsolicited(provider, text, path)
    row = pending.on_its_way(provider_id=provider.pk, state=relay_state)
    if not (provider.is_offered or row.is_test):
        raise SsoRefused(Reason.NOT_OFFERED)
    answer = check_response(provider=provider, text=text, path=path, request_id=row.request_id)
    _use(provider, answer)
    return pending.keep_answer(row, claims_of_assertion(provider, answer))


def _unsolicited(provider: IdentityProvider, text: str, path: str) -> str:
    if not (provider.allows_idp_initiated and provider.is_offered):
        raise SsoRefused(Reason.UNSOLICITED)
    answer = check_response(provider=provider, text=text, path=path, request_id=None)
    _use(provider, answer)
    # No browser began this one: whoever holds the state is asked before anybody is signed in.
    return pending.begin(provider=provider, browser="", claims=claims_of_assertion(provider, answer)).state


def _use(provider: IdentityProvider, answer: SamlAnswer) -> None:
    pending.use_assertion(provider, answer.assertion.id, answer.assertion.good_until)


def finish(row: PendingSignIn) -> tuple[Arrival, Claims]:
    """Find or make the account. Raises: SsoRefused."""
    claims = pending.claims_in(row)
    arrival = arrive(row.provider, claims)
    row.delete()
    return arrival, claims


@atomic
def note_session(session: SessionBase) -> None:
    """Remember under which names the provider knows a session that came by it, for signing out there."""
    came_by = session.get(SESSION_KEY)
    if not came_by or not session.session_key:
        return
    identity = ExternalIdentity.objects.filter(pk=came_by["identity"]).first()
    if identity is not None:
        SsoSession.objects.update_or_create(
            session_key=session.session_key,
            defaults={
                "identity": identity,
                "name_id": identity.subject,
                "name_id_format": came_by["format"],
                "session_index": came_by["index"],
                "sign_in_id": session.get(ROW_KEY),
            },
        )
