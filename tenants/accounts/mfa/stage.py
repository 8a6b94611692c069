"""The step between the password and being in: the second factor, for those who have one."""

from typing import Any, Final

from allauth.account.stages import LoginStage
from django.http import HttpResponseRedirect
from django.urls import reverse

from tenants.accounts.mfa.services import has_second_factor
from tenants.accounts.models import User, UserSession
from tenants.accounts.sessions.ways import way_in

# Ways in that have asked for as much already: a passkey is two factors, a provider asks for its own.
_ASKED_ALREADY: Final = frozenset({UserSession.Method.PASSKEY, UserSession.Method.SSO})


class SecondFactorStage(LoginStage):  # type: ignore[misc]
    """Holds a sign-in until the second factor was shown."""

    key = "second_factor"
    urlname = "account_second_factor"

    def handle(self) -> tuple[Any, bool]:
        """Let the sign-in go on, or send the person to the page that asks."""
        user = self.login.user
        if not isinstance(user, User) or way_in(self.request, user)[0] in _ASKED_ALREADY:
            return None, True
        if not has_second_factor(user):
            return None, True
        return HttpResponseRedirect(reverse(self.urlname)), True
