"""How good a set-up is, judged by a sign-in that really happened."""

from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

from tenants.accounts.models import IdentityProvider
from tenants.accounts.sso.claims import Claims
from tenants.accounts.sso.provisioning import believed_email
from tenants.accounts.sso.reasons import SsoRefused
from tenants.accounts.sso.saml.certificates import facts_of

type Mark = Literal["ok", "warn", "bad"]
ENFORCEABLE: Final = ("A", "B")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    mark: Mark
    title: str
    advice: str = ""


def grade(provider: IdentityProvider, claims: Claims) -> tuple[str, list[dict[str, Any]]]:
    """Return the grade (A: nothing to mend, B: something could be better, D: people will not get in) and findings."""
    findings = [*_identity(claims)]
    findings += _saml(provider, claims) if provider.kind == provider.Kind.SAML else _oidc(provider, claims)
    marks = {finding.mark for finding in findings}
    letter = "D" if "bad" in marks else "B" if "warn" in marks else "A"
    return letter, [asdict(finding) for finding in findings]


def _identity(claims: Claims) -> list[Finding]:
    found = []
    try:
        found.append(Finding("ok", f"The e-mail address {believed_email(claims)} is of a verified domain."))
    except SsoRefused as refused:
        found.append(Finding("bad", "The e-mail address cannot be used.", refused.detail))
    if claims.name:
        found.append(Finding("ok", "A name is sent."))
    else:
        advice = "Have the provider send a display name; accounts are named by their address until then."
        found.append(Finding("warn", "No name is sent.", advice))
    if claims.groups:
        found.append(Finding("ok", f"Groups are sent: {len(claims.groups)}."))
    return found


def _saml(provider: IdentityProvider, claims: Claims) -> list[Finding]:
    evidence = claims.evidence
    found = [Finding("ok", f"Response and assertion are both signed: {evidence.get('signature', '')}.")]
    encryption = str(evidence.get("encryption") or "")
    if encryption.endswith("CBC"):
        advice = (
            "Choose AES-GCM at the provider: CBC is accepted only because the response is signed outside."
        )
        found.append(Finding("warn", f"The assertion is encrypted with {encryption}.", advice))
    elif encryption:
        found.append(Finding("ok", f"The assertion is encrypted with {encryption}."))
    if "persistent" in claims.name_id_format:
        found.append(Finding("ok", "The NameID is persistent."))
    else:
        advice = "A persistent NameID stays when an address or a name changes."
        found.append(Finding("warn", "The NameID is not declared persistent.", advice))
    for pem in provider.certificates:
        facts = facts_of(pem)
        if facts.runs_out_soon:
            advice = "Add the next certificate now: two can be pinned at a time."
            found.append(Finding("warn", f"A certificate runs out on {facts.not_after:%Y-%m-%d}.", advice))
    if provider.allows_idp_initiated:
        advice = "Switch it off unless people start from the provider's own portal."
        found.append(Finding("warn", "Sign-ins may begin at the provider.", advice))
    if not provider.slo_url:
        advice = "Add the single logout address, so that signing out there ends sessions here."
        found.append(Finding("warn", "The provider's single logout is not set up.", advice))
    return found


def _oidc(provider: IdentityProvider, claims: Claims) -> list[Finding]:
    evidence = claims.evidence
    found = [Finding("ok", "The sign-in used PKCE and a state of its own.")]
    if provider.kind == provider.Kind.OIDC:
        found.append(Finding("ok", f"The ID token is signed with {evidence.get('algorithm', '')}."))
        if evidence.get("iss_parameter"):
            found.append(Finding("ok", "The provider names itself in its answers (RFC 9207)."))
    if claims.is_email_verified is None:
        advice = "The provider does not say whether addresses are verified; the verified domain is relied on."
        found.append(Finding("warn", "The e-mail address comes without a word on its verification.", advice))
    return found
