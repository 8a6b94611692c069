"""The platform's own letters: the code of a sign-up, and what owners are told of their company's deletion."""

from typing import Final

from django.utils.translation import gettext_lazy as _

from tenants.foundation.letters import LetterKind, Variable, register_letter

COMPANY: Final = Variable(name="company", meaning=_("The company's name"), sample=_("Example Ltd"))
ADDRESS: Final = Variable(
    name="address", meaning=_("The company's address"), sample="https://example.example", is_link=True
)

SIGNUP_CODE: Final = LetterKind(
    code="signup_code",
    title=_("Code of a sign-up"),
    description=_("Proves that an address is the asker's own."),
    audience="platform",
    variables=(Variable(name="code", meaning=_("The code"), sample="123456", is_required=True),),
    subject=_("{{ code }} is your code"),
    body=_(
        "Your code is {{ code }}. It works once and for ten minutes.\n\n"
        "You asked to make a company with this address. If it was not you, do nothing: without the code "
        "nothing is made."
    ),
)

DELETION_ASKED: Final = LetterKind(
    code="deletion_asked",
    title=_("Deletion asked for"),
    description=_("Tells owners that their company will be deleted, and how to keep it."),
    audience="platform",
    variables=(
        COMPANY,
        ADDRESS,
        Variable(name="by", meaning=_("Who asked for it"), sample="Ada Example"),
        Variable(name="day", meaning=_("The day of the deletion"), sample="1 May 2026"),
        Variable(name="moment", meaning=_("The same with its time"), sample="1 May 2026, 12:00"),
        Variable(
            name="link", meaning=_("Where the deletion is called off"), is_required=True, is_link=True,
            sample="https://example.example/company/deletion/sample/",
        ),
    ),
    subject=_("{{ company }} will be deleted on {{ day }}"),
    body=_(
        "{{ by }} asked for {{ company }} ({{ address }}) to be deleted.\n\n"
        "Nobody can sign in from now on, and nothing is synchronised. Nothing is lost yet: until {{ moment }} (UTC) "
        "the company can be kept.\n\n"
        "To keep it, open this link and press the button:\n\n"
        "{{ link }}\n\n"
        "After that day tasks, people, connections, files and exports are deleted and the keys of what was encrypted "
        "are destroyed. Nobody can bring them back, and nobody else gets the address. You will receive a signed "
        "certificate.\n\n"
        "Everybody who has this message can keep the company, so do not pass it on."
    ),
    button=_("Keep the company"),
)  # fmt: skip

DELETION_KEPT: Final = LetterKind(
    code="deletion_kept",
    title=_("Deletion called off"),
    description=_("Tells owners that their company stays."),
    audience="platform",
    variables=(COMPANY, ADDRESS),
    subject=_("{{ company }} is kept"),
    body=_("The deletion of {{ company }} was called off. Everything is as it was:\n\n{{ address }}"),
    button=_("Open the company"),
)

DELETION_DONE: Final = LetterKind(
    code="deletion_done",
    title=_("Deletion done"),
    description=_("Brings former owners the certificate of their company's deletion."),
    audience="platform",
    variables=(
        COMPANY,
        Variable(
            name="backups_until", meaning=_("When the last backup with the rows expires"), sample="1 May 2026"
        ),
        Variable(
            name="keys", meaning=_("Where the public keys are"), is_required=True, is_link=True,
            sample="https://example.example/.well-known/signing-keys.json",
        ),
    ),
    subject=_("{{ company }} was deleted"),
    body=_(
        "{{ company }} was deleted: its tasks, people, connections, files and exports. The keys of what was encrypted "
        "are destroyed.\n\n"
        "Backups of the servers still hold the rows until {{ backups_until }}. They are read for nothing but the "
        "repair of a server, and they expire by themselves.\n\n"
        "The certificate is enclosed. Its signature can be verified with the public keys at:\n{{ keys }}\n\n"
        "This is the last message you get from us."
    ),
)  # fmt: skip


def register() -> None:
    """Make them known; called when the application starts."""
    register_letter(SIGNUP_CODE, DELETION_ASKED, DELETION_KEPT, DELETION_DONE)
