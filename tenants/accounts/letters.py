"""The letters about coming in: an invitation, a new password."""

from typing import Final

from django.utils.translation import gettext_lazy as _

from tenants.foundation.letters import LetterKind, Variable, register_letter

COMPANY: Final = Variable(name="company", meaning=_("The company's name"), sample=_("Example Ltd"))

INVITATION: Final = LetterKind(
    code="invitation",
    title=_("Invitation"),
    description=_("Goes to somebody who is asked in."),
    variables=(
        COMPANY,
        Variable(name="name", meaning=_("The invited person's name"), sample="Ada Example"),
        Variable(name="invited_by", meaning=_("Who invites"), sample="Bea Example"),
        Variable(
            name="link", meaning=_("Where the invited person sets a password"), is_required=True, is_link=True,
            sample="https://example.example/join/sample/",
        ),
        Variable(name="until", meaning=_("The last day of the link"), sample="1 May 2026"),
    ),
    subject=_("You are invited to {{ company }}"),
    body=_(
        "You are invited to {{ company }}. Set a password here; the link works once:\n\n"
        "{{ link }}\n\n"
        "{{ invited_by }} invites you.\n\n"
        "It counts until {{ until }}. If you do not know what this is about, do nothing."
    ),
    button=_("Accept the invitation"),
)  # fmt: skip

PASSWORD_RESET: Final = LetterKind(
    code="password_reset",
    is_urgent=True,
    guards=True,
    title=_("New password"),
    description=_("Goes to somebody who has forgotten the password."),
    variables=(
        COMPANY,
        Variable(name="host", meaning=_("Where the person signs in"), sample="example.example"),
        Variable(
            name="link", meaning=_("Where the person sets a new password"), is_required=True, is_link=True,
            sample="https://example.example/account/password/sample/",
        ),
    ),
    subject=_("Set a new password"),
    body=_(
        "Somebody, probably you, wants to set a new password for {{ host }}. Here you do it:\n\n"
        "{{ link }}\n\n"
        "If it was not you, do nothing: your password stays as it is."
    ),
    button=_("Set a new password"),
)  # fmt: skip

SIGN_IN_LINK: Final = LetterKind(
    code="sign_in_link",
    is_urgent=True,
    title=_("Link to sign in"),
    description=_("Goes to somebody who signs in by e-mail."),
    variables=(
        COMPANY,
        Variable(name="name", meaning=_("Who signs in"), sample="Clara Client-Example"),
        Variable(name="code", meaning=_("Six digits, for the browser that asked"), sample="123 456", is_required=True),
        Variable(name="minutes", meaning=_("How many minutes both count"), sample="15"),
        Variable(
            name="link", meaning=_("The page that signs the person in"), is_required=True, is_link=True,
            sample="https://example.example/account/link/sample/",
        ),
    ),
    subject=_("Sign in to {{ company }}"),
    body=_(
        "Hello {{ name }},\n\nhere you sign in to {{ company }}:\n\n{{ link }}\n\n"
        "Or enter this code where you asked for it: {{ code }}\n\n"
        "Both work once, for {{ minutes }} minutes. If you did not ask for this, do nothing."
    ),
    button=_("Sign in"),
)  # fmt: skip


def register() -> None:
    """Make them known; called when the application starts."""
    register_letter(INVITATION, PASSWORD_RESET, SIGN_IN_LINK)
