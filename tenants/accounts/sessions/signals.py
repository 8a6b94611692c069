"""Notes sign-ins, sign-outs and new passwords, whichever way they come; imported once, when the application starts."""

from typing import Any

from allauth.account.signals import password_changed, password_reset, password_set
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.dispatch import receiver
from django.http import HttpRequest
from django.utils import timezone

from tenants.accounts.models import User, UserSession
from tenants.accounts.sessions.services import (
    ROW_KEY,
    describe_request,
    end_sign_ins,
    note_sign_in,
    sign_in_id_of,
)
from tenants.accounts.sessions.ways import way_in
from tenants.tenancy import atomic
from tenants.tenancy.middleware import host_of


@receiver(user_logged_in, dispatch_uid="accounts.note_sign_in")
def _note_sign_in(request: HttpRequest, user: User, **_: Any) -> None:
    address, agent = describe_request(request)
    method, second_factor = way_in(request, user)
    note_sign_in(
        session=request.session,
        user=user,
        method=method,
        second_factor=second_factor,
        address=address,
        user_agent=agent,
        host=host_of(request),
    )


@receiver(user_logged_out, dispatch_uid="accounts.note_sign_out")
def _note_sign_out(request: HttpRequest, **_: Any) -> None:
    row = request.session.get(ROW_KEY)
    if row:
        with atomic():
            UserSession.objects.filter(pk=row, ended_at=None).update(
                ended_at=timezone.now(), ended_because="signed_out"
            )


@receiver([password_changed, password_set], dispatch_uid="accounts.end_others")
def _end_others(request: HttpRequest, user: User, **_: Any) -> None:
    end_sign_ins(user, because="password", but=sign_in_id_of(request))


@receiver(password_reset, dispatch_uid="accounts.end_all")
def _end_all(user: User, **_: Any) -> None:
    end_sign_ins(user, because="password")
