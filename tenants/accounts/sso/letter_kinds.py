"""The letter about what happened at single sign-on: its text."""

from typing import Final

from django.utils.translation import gettext_lazy as _

from tenants.foundation.letters import LetterKind, Variable, register_letter

NOTICE: Final = LetterKind(
    code="sso_notice",
    guards=True,
    title=_("Something happened at single sign-on"),
    description=_("Goes to everybody who looks after single sign-on."),
    variables=(
        Variable(name="company", meaning=_("The company's name"), sample=_("Example Ltd")),
        Variable(name="what", meaning=_("What happened"), sample=_("A certificate runs out soon")),
        Variable(name="provider", meaning=_("Which provider"), sample="Example ID"),
        Variable(name="detail", meaning=_("More of it"), sample=_("It runs out on 1 May 2026.")),
        Variable(name="who", meaning=_("Who did it"), sample="Bea Example"),
        Variable(
            name="link", meaning=_("Where it is looked after"), is_required=True, is_link=True,
            sample="https://example.example/settings/sign-in/",
        ),
    ),
    subject=_("{{ what }}: {{ company }}"),
    body=_(
        "{{ what }}.\n\nProvider: {{ provider }}\n\n{{ detail }}\n\nBy: {{ who }}\n\n{{ link }}\n\n"
        "If you did not expect this, look at the log of single sign-on."
    ),
    button=_("Open single sign-on"),
)  # fmt: skip


def register() -> None:
    """Make the letter known; called when the application starts."""
    register_letter(NOTICE)
