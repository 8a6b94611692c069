"""What can be said of a company's mail server, tidied and refused in sentences."""

import re
from dataclasses import dataclass
from typing import Final

import idna

from tenants.accounts.models import EmailDomain
from tenants.branding.domains.names import normal_host
from tenants.foundation.crypto import Secret
from tenants.foundation.errors import InvalidInput
from tenants.foundation.letters.smtp import Security, may_be_plain
from tenants.foundation.seen_text import has_unseen
from tenants.models import CustomDomain
from tenants.tenancy import current_tenant

# Where mail is handed in. Others would make of this form a way to knock at any door of the Internet.
PORTS: Final = (587, 465, 25, 2525)
MOST_PASSWORD: Final = 500
_PLAINLY: Final = "letters without accents, digits and the signs of an English keyboard"
_LOCAL_PART: Final = re.compile(r"[a-z0-9](?:[a-z0-9._+-]{0,62}[a-z0-9])?\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class MailServerSettings:
    """What somebody asks for. ``password`` None: the one that is kept stays, if the server is the same."""

    host: str
    port: int
    security: str
    from_address: str
    username: str = ""
    password: Secret | None = None


def checked_settings(given: MailServerSettings) -> MailServerSettings:
    """The same, tidied; in the company's scope, outside any transaction of its own.

    Raises: InvalidInput with a sentence for each field that will not do.
    """
    wrong: dict[str, list[str]] = {}
    host, security = given.host.strip().lower(), given.security
    is_opened = may_be_plain(host, given.port)
    if not is_opened:
        try:
            host = normal_host(given.host)
        except InvalidInput as error:
            wrong["host"] = error.fields.get("domain", [error.message])
        if given.port not in PORTS:
            wrong["port"] = [f"Mail is handed in on port {', '.join(map(str, PORTS[:-1]))} or {PORTS[-1]}."]
    if security not in set(Security):
        wrong["security"] = ["Choose starttls or tls."]
    elif security == Security.NONE and not is_opened:
        wrong["security"] = ["Letters hold links that let people in: they only go out encrypted."]
    address, problem = _checked_address(given.from_address)
    if problem:
        wrong["from_address"] = [problem]
    if len(given.username) > 254 or not _is_said_plainly(given.username):
        wrong["username"] = [f"At most 254 characters, {_PLAINLY}."]
    if given.password is not None:
        text = given.password.reveal()
        if not given.username.strip():
            wrong["username"] = ["A password needs a user name."]
        if not text.strip() or len(text) > MOST_PASSWORD or not _is_said_plainly(text):
            wrong["password"] = [f"1 to {MOST_PASSWORD} characters, {_PLAINLY}."]
    if wrong:
        raise InvalidInput(fields=wrong)
    return MailServerSettings(
        host=host, port=given.port, security=security, from_address=address, username=given.username.strip(),
        password=given.password,
    )  # fmt: skip


def is_ours(address: str) -> bool:
    """Whether the company has proved the domain of an address: as one for e-mail, or as one it is reached under."""
    domain = address.rpartition("@")[2]
    if EmailDomain.objects.filter(domain=domain, state=EmailDomain.State.VERIFIED).exists():
        return True
    own = CustomDomain.objects.filter(tenant_id=current_tenant().id, host=domain)
    return own.filter(state__in=CustomDomain.PROVED).exists()


def _checked_address(text: str) -> tuple[str, str]:
    """The address in lower-case ASCII, and what is wrong with it. It stands in a header: nothing fancy will do."""
    local, at, domain = text.strip().lower().rpartition("@")
    if not at or not _LOCAL_PART.match(local) or ".." in local:
        return "", "Write an e-mail address such as tasks@example.com, in plain letters before the @."
    try:
        domain = idna.encode(domain, uts46=True, std3_rules=True, transitional=False).decode("ascii").lower()
    except (idna.IDNAError, UnicodeError):
        return "", "What stands behind the @ is no domain name."
    if not is_ours(f"{local}@{domain}"):
        return "", (
            "Prove this domain first: under Single sign-on (e-mail domains) or under Domains. "
            "Letters only come from addresses that are the company's own."
        )
    return f"{local}@{domain}", ""


def _is_said_plainly(text: str) -> bool:
    # The client we hand in with signs in with these signs alone, and many servers know no others.
    return text.isascii() and not has_unseen(text)
