"""The letters about changes that want two people: their texts."""

from typing import Final

from django.utils.translation import gettext_lazy as _

from tenants.foundation.letters import LetterKind, Variable, register_letter

_COMPANY: Final = Variable(name="company", meaning=_("The company's name"), sample=_("Example Ltd"))
_WHAT: Final = Variable(
    name="what", meaning=_("What changes"), sample=_("Change an identity provider: Example ID")
)
_WHO: Final = Variable(name="who", meaning=_("Who proposed or made it"), sample="Bea Example")
_REASON: Final = Variable(
    name="reason", meaning=_("Why, in their words"), sample=_("The certificate runs out.")
)
_LINK: Final = Variable(
    name="link", meaning=_("Where the change is shown"), is_required=True, is_link=True,
    sample="https://example.example/settings/changes/sample/",
)  # fmt: skip

PROPOSED: Final = LetterKind(
    code="change_proposed",
    guards=True,
    title=_("A change waits for a second person"),
    description=_("Goes to everybody who could agree to it."),
    variables=(_COMPANY, _WHAT, _WHO, _REASON, _LINK),
    subject=_("Please look: {{ what }}"),
    body=_(
        "{{ who }} proposes this at {{ company }}:\n\n{{ what }}\n\nWhy: {{ reason }}\n\n"
        "It takes effect when a second person agrees. Look at it here:\n\n{{ link }}\n\n"
        "If you did not expect this, refuse it and ask {{ who }}."
    ),
    button=_("Look at the change"),
)
DECIDED: Final = LetterKind(
    code="change_decided",
    guards=True,
    title=_("A proposed change was decided"),
    description=_("Goes to whoever proposed it."),
    variables=(
        _COMPANY, _WHAT, Variable(name="outcome", meaning=_("What came of it"), sample=_("Carried out")),
        Variable(name="by", meaning=_("Who decided"), sample="Ada Example"),
        Variable(name="note", meaning=_("A note on it"), sample=_("Not this week.")), _LINK,
    ),
    subject=_("{{ outcome }}: {{ what }}"),
    body=_(
        "What you proposed at {{ company }} was decided: {{ outcome }}.\n\n{{ what }}\n\nBy: {{ by }}\n\n"
        "Note: {{ note }}\n\n{{ link }}"
    ),
    button=_("Look at the change"),
)  # fmt: skip
ALONE: Final = LetterKind(
    code="change_made_alone",
    guards=True,
    title=_("An important change was made by one person"),
    description=_("Goes to everybody who looks after sign-in, when nobody else could have agreed."),
    variables=(_COMPANY, _WHAT, _WHO, _REASON, _LINK),
    subject=_("{{ who }} changed: {{ what }}"),
    body=_(
        "{{ who }} has just made this change at {{ company }}. Nobody else there could have agreed to it:\n\n"
        "{{ what }}\n\nWhy: {{ reason }}\n\nIf it was not you, act now:\n\n{{ link }}\n\n"
        "A second person with the same role makes such changes safer."
    ),
    button=_("Look at the change"),
)
LEFT_ALONE: Final = LetterKind(
    code="left_alone",
    guards=True,
    title=_("Only one person is left who can agree"),
    description=_("Goes to everybody who could agree before, and to everybody who looks after sign-in."),
    variables=(
        _COMPANY,
        Variable(name="permission", meaning=_("What they may do"), sample=_("Set up single sign-on")),
        Variable(name="before", meaning=_("Who could before"), sample="Ada Example, Bea Example"),
        Variable(name="left", meaning=_("Who is left"), sample="Bea Example"),
        Variable(name="until", meaning=_("When one person alone can"), sample="2027-01-31 09:00 UTC"),
        _LINK,
    ),
    subject=_("Only one person left: {{ permission }}"),
    body=_(
        "At {{ company }} this is left to fewer people than before:\n\n{{ permission }}\n\nBefore: {{ before }}\n\n"
        "Now: {{ left }}\n\nChanges of this kind that want two people can be made by one person alone from "
        "{{ until }} on. If this should not be so, give somebody their role back before then.\n\n{{ link }}"
    ),
    button=_("Look at it"),
)


def register() -> None:
    """Make the letters known; called when the application starts."""
    register_letter(PROPOSED, DECIDED, ALONE, LEFT_ALONE)
