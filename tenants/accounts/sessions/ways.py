"""By which way somebody is coming in."""

from typing import Final

from allauth.account.authentication import get_authentication_records
from django.http import HttpRequest

from tenants.accounts.models import User, UserSession

_METHODS: Final = {
    "password": UserSession.Method.PASSWORD,
    "sso": UserSession.Method.SSO,
    "password_reset": UserSession.Method.RESET,
    "link": UserSession.Method.LINK,
}


def way_in(request: HttpRequest, user: User) -> tuple[str, str]:
    """Return the method and the second factor ("" for none) of a sign-in that is under way.

    The door itself may have said it (`request.sign_in_method`); else it is what was shown on the way, the last first.
    """
    said = getattr(request, "sign_in_method", "")
    records = get_authentication_records(request, user)
    shown = [_METHODS[each["method"]] for each in records if each.get("method") in _METHODS]
    factors = [str(each.get("type", "")) for each in records if each.get("method") == "mfa"]
    return said or (shown[-1] if shown else UserSession.Method.OTHER), factors[-1] if factors else ""
