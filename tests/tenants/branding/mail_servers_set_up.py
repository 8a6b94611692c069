"""A company with a mail server of its own, for tests."""

from typing import Any

from django.utils import timezone

from tenants.accounts.access import UserActor
from tenants.accounts.models import EmailDomain
from tenants.branding.mail_servers.services import confirm_mail_server, save_mail_server, send_test_letter
from tenants.branding.mail_servers.values import MailServerSettings
from tenants.branding.models import MailServer as MailServerRow
from tenants.foundation.crypto import Secret
from tests.fakes.mail_server import MailServer

DOMAIN = "acme.example"
PASSWORD = "an invented password"


def prove(domain: str = DOMAIN) -> EmailDomain:
    """Let an e-mail domain be the company's."""
    return EmailDomain.objects.create(
        domain=domain, nonce="n", state=EmailDomain.State.VERIFIED, verified_at=timezone.now()
    )


def wanted(server: MailServer, **changes: Any) -> MailServerSettings:
    """What somebody types to use this server."""
    values: dict[str, Any] = {
        "host": "localhost", "port": server.port, "security": "starttls", "from_address": f"tasks@{DOMAIN}",
        "username": "acme", "password": Secret(PASSWORD),
    }  # fmt: skip
    return MailServerSettings(**(values | changes))


def code_in(server: MailServer) -> str:
    """The code of the newest test letter the server took."""
    return str(server.taken[-1].message["Subject"]).partition(" is")[0]


def in_use(actor: UserActor, server: MailServer) -> MailServerRow:
    """Set a server up, as its company does it: save, test letter, code."""
    save_mail_server(actor=actor, settings=wanted(server))
    send_test_letter(actor=actor)
    confirm_mail_server(actor=actor, code=code_in(server))
    server.taken.clear()
    return MailServerRow.objects.get(stage="active")
