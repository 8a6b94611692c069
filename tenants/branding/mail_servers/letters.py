"""What a company is told of its mail server by letter: the test of it, and that it fails."""

from typing import Final

import structlog
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from tenants.accounts.access.holders import people_holding
from tenants.branding.models import MailServer
from tenants.branding.permissions import MANAGE_SENDER
from tenants.foundation.letters import LetterKind, Variable, register_letter, write_letter
from tenants.tenancy import atomic, current_tenant
from tenants.tenancy.addresses import canonical_address

log = structlog.get_logger(__name__)
TELL_OF_FAILURE: Final = "branding.tell_of_mail_server"

_COMPANY: Final = Variable(name="company", meaning=_("The company's name"), sample="Acme")
_HOST: Final = Variable(
    name="host", meaning=_("The mail server"), sample="mail.acme.example", is_required=True
)
TEST: Final = LetterKind(
    code="mail_server_test",
    title=_("Test of the mail server"),
    description=_("Sent when somebody sets up a mail server of the company's own."),
    subject=_("{{ code }} is the code of your mail server"),
    body=_(
        "This letter came by {{ host }}. To have the letters of {{ company }} go out by it, type this code where you "
        "set it up:\n\n{{ code }}\n\nIt is good for {{ minutes }} minutes."
    ),
    variables=(
        _COMPANY,
        _HOST,
        Variable(name="code", meaning=_("The code"), sample="123 456", is_required=True),
        Variable(name="minutes", meaning=_("How long the code is good"), sample="30"),
    ),
    is_urgent=True,
)
FAILING: Final = LetterKind(
    code="mail_server_failing",
    guards=True,
    title=_("The mail server fails"),
    description=_("Sent when the company's own mail server takes no letters."),
    subject=_("{{ host }} does not take your letters"),
    body=_(
        "The mail server {{ host }} did not take the last letters of {{ company }}.\n\n{{ problem }}\n\n"
        "Nothing is lost: letters go out by the platform's server meanwhile, from the platform's address. Your server "
        "is tried again by and by, and used again as soon as it takes a letter.\n\n{{ link }}"
    ),
    button=_("See what is wrong"),
    variables=(
        _COMPANY,
        _HOST,
        Variable(
            name="problem", meaning=_("What went wrong"), sample=_("The mail server did not answer in time.")
        ),
        Variable(
            name="link",
            meaning=_("Where it is mended"),
            is_required=True,
            is_link=True,
            sample="https://acme.example/settings/branding/sender/",
        ),
    ),
)


def register() -> None:
    """Make the letters known."""
    register_letter(TEST, FAILING)


def post_failure() -> int:
    """Tell those who can mend it, by the platform's server; how many. Outside any transaction.

    Nobody is told of a server that works again by now. Raises: ExternalServiceError.
    """
    tenant = current_tenant()
    with atomic():
        row = MailServer.objects.filter(stage=MailServer.Stage.ACTIVE, failing_since__isnull=False).first()
        if row is None:
            return 0
        facts = {
            "company": tenant.name, "host": row.host, "problem": row.problem,
            "link": canonical_address(reverse("branding:sender")),
        }  # fmt: skip
        letters = [
            write_letter(FAILING.code, to=each.email, facts=facts, language=each.language or tenant.language)
            for each in people_holding(MANAGE_SENDER)
        ]
    for letter in letters:
        letter.send()
    log.info("mail_server.told", host=row.host, readers=len(letters))
    return len(letters)
