"""The providers on the sign-in page, and the events of the log in words."""

from dataclasses import dataclass

from django import template

from tenants.accounts.models import EmailDomain, IdentityProvider
from tenants.accounts.sso.enforcement import offered_providers
from tenants.accounts.sso.log_words import words_of
from tenants.tenancy import atomic

register = template.Library()
register.filter("event_words", words_of)


@dataclass(frozen=True, slots=True)
class Offer:
    """What the sign-in page shows: a button each, whether passwords are hidden, whether addresses are looked up."""

    providers: list[IdentityProvider]
    is_enforced: bool
    has_captures: bool


@register.simple_tag
def sso_offer() -> Offer:
    """The company's single sign-on, in two queries at most."""
    providers = offered_providers()
    with atomic():
        has_captures = (
            bool(providers)
            and EmailDomain.objects.filter(
                state=EmailDomain.State.VERIFIED, captured_by__in=[each.pk for each in providers]
            ).exists()
        )
    return Offer(providers, any(each.state == "enforced" for each in providers), has_captures)
