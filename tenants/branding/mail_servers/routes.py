"""From a stored mail server to a message that is handed to it."""

from email.policy import SMTP
from typing import Final

from tenants.branding.models import MailServer
from tenants.foundation.letters import Letter
from tenants.foundation.letters.smtp import MailRoute, Security, deliver
from tenants.secrets.services import reveal_secret

OWNER_TABLE: Final = MailServer._meta.db_table


def route_to(row: MailServer) -> MailRoute:
    """Where and as whom letters are handed in; inside a transaction, since it opens the vault. Raises: CryptoError."""
    return MailRoute(
        host=row.host, port=row.port, security=Security(row.security), username=row.username,
        password=reveal_secret(row.password_id) if row.password_id else None,
    )  # fmt: skip


def hand_over(letter: Letter, *, route: MailRoute, address: str, seconds: float) -> None:
    """Hand a letter in as coming from ``address``; outside any transaction. Raises: ExternalServiceError."""
    content = letter.message(address=address).message().as_bytes(policy=SMTP)
    deliver(route, sender=address, to=letter.to, content=content, seconds=seconds)
