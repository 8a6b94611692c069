"""How a role came to somebody, in words."""

from typing import Final

from django import template
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from tenants.accounts.access.roles import RoleSource

register = template.Library()

WORDS: Final[dict[RoleSource, Promise]] = {
    RoleSource.MANUAL: _("Given by hand"),
    RoleSource.INVITATION: _("By an invitation"),
    RoleSource.ONBOARDING: _("When the company began"),
    RoleSource.SSO: _("By the provider's groups"),
    RoleSource.SCIM: _("By a directory"),
    RoleSource.JIT: _("At the first sign-in"),
}


@register.filter
def source_words(source: str) -> str:
    """Say it; a way that a later version knows is shown as it is written."""
    return str(WORDS[RoleSource(source)]) if source in RoleSource else source
