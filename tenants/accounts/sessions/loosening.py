"""Which changes of the rules for signing in let more through than before, and how people read them."""

from collections.abc import Iterable, Mapping
from typing import Any, Final, Protocol

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from tenants.accounts.access.changes import DiffLine
from tenants.accounts.models import AccessPolicy
from tenants.accounts.networks import lies_within

LABELS: Final[Mapping[str, Promise]] = {
    "idle_minutes": _("Sign out after so many minutes without use"),
    "absolute_hours": _("Sign in again after hours at the latest"),
    "step_up_minutes": _("A confirmation counts for so many minutes"),
    "mfa_grace_days": _("Days to set a second factor up"),
    "token_max_days": _("An API token lives so many days at most"),
    "allowed_networks": _("Networks people may come from"),
    "mfa_required_for": _("A second factor is required for"),
    "two_people_for": _("Two people for"),
    "link_sign_in": _("Signing in by a link in an e-mail is for"),
}
_NUMBERS: Final = ("idle_minutes", "absolute_hours", "step_up_minutes", "mfa_grace_days", "token_max_days")
_ALL: Final = "*"
# Who may come in by a link in a letter: each choice lets the ones before it in too.
_BY_LINK: Final = ("nobody", "guests", "everybody")


class HasRules(Protocol):
    """The rules as they are; attributes by the names of `LABELS`."""

    def __getattribute__(self, name: str, /) -> Any:
        """The value of a rule."""


def loosened(before: HasRules, after: Mapping[str, Any]) -> list[DiffLine]:
    """The rules that would let more through: `field` is the rule's name. What gets stricter is not listed."""
    lines = [
        DiffLine(name, str(getattr(before, name)), str(after[name]))
        for name in _NUMBERS
        if after[name] > getattr(before, name)
    ]
    for name, is_looser in (
        ("allowed_networks", _lets_more_in(before.allowed_networks, after["allowed_networks"])),
        ("mfa_required_for", _asks_fewer(before.mfa_required_for, after["mfa_required_for"])),
        ("two_people_for", bool(set(before.two_people_for) - set(after["two_people_for"]))),
    ):
        if is_looser:
            lines.append(DiffLine(name, _words(getattr(before, name)), _words(after[name])))
    by_link = before.link_sign_in, after["link_sign_in"]
    if _BY_LINK.index(by_link[1]) > _BY_LINK.index(by_link[0]):
        lines.append(DiffLine("link_sign_in", *(AccessPolicy.LinkSignIn(who).label for who in by_link)))
    return lines


def _lets_more_in(before: Iterable[str], after: Iterable[str]) -> bool:
    """Whether somewhere is let in from where nobody was: no networks means from anywhere."""
    old, new = list(before), list(after)
    return bool(old) and (not new or not all(lies_within(each, old) for each in new))


def _asks_fewer(before: Iterable[str], after: Iterable[str]) -> bool:
    """Whether somebody who had to have a second factor has not any more."""
    old, new = set(before), set(after)
    return _ALL not in new and bool(old - new)


def _words(values: Iterable[str]) -> str:
    return ", ".join(sorted(values)) or "—"
