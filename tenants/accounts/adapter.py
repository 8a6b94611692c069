"""How allauth behaves here: no open sign-up, redirects to the same host only, one answer for everyone."""

from typing import Any
from urllib.parse import urlsplit

import structlog
from allauth.account.adapter import DefaultAccountAdapter
from allauth.core import context as allauth_context
from django.conf import settings
from django.contrib.sites.shortcuts import get_current_site
from django.http import HttpRequest
from django.utils.http import url_has_allowed_host_and_scheme

from tenants.accounts.models import User
from tenants.foundation import metrics
from tenants.tenancy import on_commit
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

    def authenticate(self, request: HttpRequest, **credentials: Any) -> User | None:
        """Check a password. A deactivated user is answered like an unknown one."""
        user = super().authenticate(request, **credentials)
        is_let_in = isinstance(user, User) and user.is_active
        metrics.SIGN_INS.labels(outcome="accepted" if is_let_in else "refused").inc()
        if not is_let_in:
            log.info("sign_in.refused")
        return user if is_let_in else None

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Write the message now and send it after the transaction: nothing leaves the process inside one."""
        request: HttpRequest = allauth_context.request
        shown = {"request": request, "email": email, "current_site": get_current_site(request), **context}
        message = self.render_mail(template_prefix, email, shown)
        on_commit(message.send)

    def get_reset_password_from_key_url(self, key: str) -> str:
        """Lead to this company's public address: the port of the Host header is whatever a stranger wrote there."""
        path = urlsplit(super().get_reset_password_from_key_url(key)).path
        port = f":{settings.PUBLIC_PORT}" if settings.PUBLIC_PORT else ""
        return f"{settings.PUBLIC_SCHEME}://{host_of(allauth_context.request)}{port}{path}"

    def post_login(self, request: HttpRequest, user: User, **options: Any) -> Any:
        """Note the sign-in, then go where allauth goes."""
        log.info("sign_in.accepted", user_id=user.pk)
        return super().post_login(request, user, **options)
