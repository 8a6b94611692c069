"""The letters that tell administrators that a directory was stopped, and that its key runs out."""

from typing import Final

from django.utils.translation import gettext_lazy as _

from tenants.foundation.letters import LetterKind, Variable, register_letter

SCIM_HELD: Final = LetterKind(
    code="scim_held",
    guards=True,
    title=_("A directory was stopped"),
    description=_("Tells administrators that a directory wants to shut out more people than the rule lets through."),
    variables=(
        Variable(name="company", meaning=_("The company's name"), sample=_("Example Ltd")),
        Variable(name="directory", meaning=_("The directory's name"), sample="Example Directory"),
        Variable(name="count", meaning=_("How many people are held"), sample="12"),
        Variable(
            name="link", meaning=_("Where one decides"), is_required=True, is_link=True,
            sample="https://example.example/settings/directories/",
        ),
    ),
    subject=_("{{ directory }} wants to shut out many people"),
    body=_(
        "The directory {{ directory }} wants to shut {{ count }} people out of {{ company }}, more than your rule lets "
        "through at once. They can still sign in.\n\n"
        "Look at the list and decide:\n\n"
        "{{ link }}\n\n"
        "If nobody meant this, somebody may have changed a filter or a group in the directory: look there first."
    ),
    button=_("Look and decide"),
)  # fmt: skip

SCIM_KEY: Final = LetterKind(
    code="scim_key",
    title=_("A directory's key runs out"),
    description=_("Tells those who make keys 30, 7 and 1 day before one ends, and when it has ended."),
    variables=(
        Variable(name="company", meaning=_("The company's name"), sample=_("Example Ltd")),
        Variable(name="directory", meaning=_("The directory's name"), sample="Example Directory"),
        Variable(name="what", meaning=_("What happens when"), sample=_("The key runs out in 7 days")),
        Variable(name="key", meaning=_("How the key begins"), sample="nts_scim_a1B2c3D4e5F6…"),
        Variable(name="ends", meaning=_("When it ends"), sample=_("1 May 2026, 10:00")),
        Variable(
            name="link", meaning=_("Where it is replaced"), is_required=True, is_link=True,
            sample="https://example.example/settings/directories/",
        ),
    ),
    subject=_("{{ what }}: {{ directory }}"),
    body=_(
        "{{ what }}: the directory {{ directory }} signs in to {{ company }} with {{ key }}, which ends "
        "on {{ ends }}.\n\n"
        "After that it takes nobody in and shuts nobody out here. Make the next key and enter it at the directory; "
        "the old one goes on beside it for the hours you choose.\n\n{{ link }}"
    ),
    button=_("Replace the key"),
)  # fmt: skip


def register() -> None:
    """Make them known; called when the application starts."""
    register_letter(SCIM_HELD)
    register_letter(SCIM_KEY)
