"""The letter that tells administrators that a directory was stopped."""

from typing import Final

from django.utils.translation import gettext_lazy as _

from tenants.foundation.letters import LetterKind, Variable, register_letter

SCIM_HELD: Final = LetterKind(
    code="scim_held",
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


def register() -> None:
    """Make it known; called when the application starts."""
    register_letter(SCIM_HELD)
