"""How allauth behaves here: no open sign-up, redirects to the same host only, one answer for everyone."""

from typing import Any
from urllib.parse import urlsplit

import structlog
from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.internal.flows.login import get_authentication_records
from allauth.core import context as allauth_context
from django.contrib.sites.shortcuts import get_current_site
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

from tenants.accounts.delays import TooFast, begin_attempt, remember_browser
from tenants.accounts.mfa.enrolment import lacks_second_factor
from tenants.accounts.models import User
from tenants.accounts.networks import client_address, is_within
from tenants.accounts.sessions.policy import current_rules
from tenants.accounts.sso.enforcement import may_use_own_credentials
from tenants.accounts.sso.sign_in import note_session
from tenants.accounts.sso.sso_log import visit_of
from tenants.foundation import metrics
from tenants.tenancy import on_commit
from tenants.tenancy.addresses import public_address
from tenants.tenancy.middleware import host_of

log = structlog.get_logger(__name__)


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Overrides of django-allauth, each with its reason."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """People come in by invitation only."""
        return False

    def is_safe_url(self, url: str) -> bool:
        """Accept only this host: allauth would accept every company's, since all are allowed hosts."""
        request: HttpRequest = allauth_context.request
        return url_has_allowed_host_and_scheme(
            url, allowed_hosts={request.get_host()}, require_https=request.is_secure()
        )

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Slow guessing down instead of locking out: allauth's own limit would let anybody lock somebody out."""
        account = str(credentials.get("email", ""))
        try:
            self._attempt = begin_attempt(request, "password", account)
        except TooFast as error:
            request.slowed_down = error  # type: ignore[attr-defined]
            raise ValidationError(error.message, code="too_many_login_attempts") from error

    def authenticate(self, request: HttpRequest, **credentials: Any) -> User | None:
        """Check a password. A deactivated user is answered like an unknown one."""
        found = super().authenticate(request, **credentials)
        user = found if isinstance(found, User) and found.is_active else None
        # One that does not count is answered like a wrong one: who holds it learns nothing about it here.
        is_let_in = may_use_own_credentials(user, visit_of(request))
        if is_let_in:
            self._attempt.succeeded()
        metrics.SIGN_INS.labels(outcome="accepted" if is_let_in else "refused").inc()
        if not is_let_in:
            log.info("sign_in.refused")
        return user if is_let_in else None

    def pre_login(self, request: HttpRequest, user: User, **options: Any) -> Any:
        """Stop foreign networks, and other ways in (a passkey, a new password) while single sign-on is enforced."""
        records = get_authentication_records(request, user)
        # A link was asked for itself, by whom single sign-on is not the way in (`why_not`).
        is_looked_at = any(each["method"] in ("password", "sso", "link") for each in records)
        if not is_looked_at and not may_use_own_credentials(user, visit_of(request)):
            return HttpResponseRedirect(reverse("account_login"))
        if not is_within(client_address(request), current_rules().allowed_networks):
            log.info("sign_in.foreign_network", user_id=user.pk)
            return render(request, "accounts/foreign_network.html", status=403)
        return super().pre_login(request, user, **options)

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Write the message now and send it after the transaction: nothing leaves the process inside one."""
        request: HttpRequest = allauth_context.request
        shown = {"request": request, "email": email, "current_site": get_current_site(request), **context}
        message = self.render_mail(template_prefix, email, shown)
        on_commit(message.send)

    def get_reset_password_from_key_url(self, key: str) -> str:
        """Lead to this company's public address: the port of the Host header is whatever a stranger wrote there."""
        path = urlsplit(super().get_reset_password_from_key_url(key)).path
        return public_address(host_of(allauth_context.request), path)

    def get_login_stages(self) -> list[str]:
        """After the password comes the second factor, for those who have one; mails and codes of allauth's do not."""
        return ["tenants.accounts.mfa.stage.SecondFactorStage"]

    def post_login(self, request: HttpRequest, user: User, **options: Any) -> Any:
        """Note the sign-in and the browser, then go where allauth goes; those who lack a second factor, to get one."""
        log.info("sign_in.accepted", user_id=user.pk)
        note_session(request.session)
        response = super().post_login(request, user, **options)
        if lacks_second_factor(user):
            wanted = response.get("Location", "/")
            response = HttpResponseRedirect(reverse("accounts:my_sign_in", query={"next": wanted}))
        remember_browser(request, response, user.email)
        return response
