"""Setting second factors up, asking for them and taking them off."""

import time

import structlog
from django.utils import timezone

from tenants.accounts.access import Actor, UserActor, require
from tenants.accounts.mfa.recovery import codes_left, renew_recovery_codes, use_recovery_code
from tenants.accounts.mfa.totp import matching_counter, new_secret
from tenants.accounts.models import AuthenticatorApp, Passkey, RecoveryCode, User
from tenants.accounts.sessions.proof import require_fresh_proof
from tenants.accounts.sessions.services import end_sign_ins
from tenants.foundation.crypto import Secret
from tenants.foundation.errors import Conflict, Forbidden, InvalidInput
from tenants.foundation.ids import uuid7
from tenants.secrets.services import delete_secret, reveal_secret, store_secret
from tenants.tenancy import atomic

log = structlog.get_logger(__name__)

_TABLE = AuthenticatorApp._meta.db_table


@atomic
def begin_authenticator_app(*, actor: Actor) -> AuthenticatorApp:
    """Give the actor a new secret to put into an app; it opens nothing until `confirm_authenticator_app`.

    Raises: Forbidden (no person, proof needed), Conflict (there is one already).
    """
    user = _own(actor)
    require_fresh_proof()
    app = AuthenticatorApp.objects.select_for_update().filter(user=user).first()
    if app is not None and app.confirmed_at is not None:
        raise Conflict("An app is set up already. Remove it first.", code="conflict.app_exists")
    if app is None:
        app = AuthenticatorApp(id=uuid7(), user=user)
    secret = store_secret(
        name="totp", owner_table=_TABLE, owner_id=app.pk, value=Secret(new_secret()), actor=actor
    )
    app.secret_id, app.last_counter = secret.pk, 0
    app.save()
    return app


@atomic
def unconfirmed_secret(*, actor: Actor) -> Secret | None:
    """Return the secret the actor is putting into an app just now; None once it is set up: it is not shown again."""
    app = AuthenticatorApp.objects.filter(user=_own(actor), confirmed_at=None).first()
    return reveal_secret(app.secret_id) if app is not None else None


@atomic
def confirm_authenticator_app(*, actor: Actor, code: str) -> list[Secret]:
    """Take the app into use after it showed a right code; return recovery codes when there were none.

    Raises: Forbidden, Conflict (nothing to confirm), InvalidInput (a wrong code).
    """
    user = _own(actor)
    require_fresh_proof()
    app = AuthenticatorApp.objects.select_for_update().filter(user=user, confirmed_at=None).first()
    if app is None:
        raise Conflict("There is no app to confirm. Begin again.", code="conflict.no_app")
    if not _spend(app, code):
        msg = "This is not the code the app shows now. Check the clock of your phone."
        raise InvalidInput(msg, code="invalid_input.code", fields={"code": [msg]})
    app.confirmed_at = timezone.now()
    app.save(update_fields=["confirmed_at"])
    log.info("authenticator_app.set_up", user_id=user.pk)
    return first_recovery_codes(user)


@atomic
def remove_authenticator_app(*, actor: Actor) -> None:
    """Take one's own app off. Raises: Forbidden."""
    user = _own(actor)
    require_fresh_proof()
    _remove_app(user, actor)
    _drop_orphaned_codes(user)


@atomic
def remove_passkey(*, passkey: Passkey, actor: Actor) -> None:
    """Take one of one's own passkeys off. Raises: Forbidden."""
    if passkey.user_id != _own(actor).pk:
        raise Forbidden
    require_fresh_proof()
    passkey.delete()
    log.info("passkey.removed", user_id=actor.user_id, passkey_id=passkey.pk)
    _drop_orphaned_codes(passkey.user)


@atomic
def new_recovery_codes(*, actor: Actor) -> list[Secret]:
    """Replace one's own recovery codes. Raises: Forbidden, Conflict (there is no second factor to recover from)."""
    user = _own(actor)
    require_fresh_proof()
    if not has_second_factor(user):
        raise Conflict("Set up an app or a passkey first.", code="conflict.no_second_factor")
    return renew_recovery_codes(user)


@atomic
def reset_second_factors(*, user: User, actor: Actor) -> None:
    """Take all second factors off somebody who has lost them, and sign them out everywhere.

    Raises: Forbidden; Conflict for one's own: whoever holds a session must not strip the account with it.
    """
    require(actor, "accounts.reset_second_factors", on=user)
    if actor.user_id == user.pk:
        raise Conflict("Somebody else has to do this for you.", code="conflict.own_account")
    _remove_app(user, actor)
    Passkey.objects.filter(user=user).delete()
    RecoveryCode.objects.filter(user=user).delete()
    end_sign_ins(user, because="factors_reset")
    log.warning("second_factors.reset", user_id=user.pk, by=actor.user_id)


@atomic
def use_code(user: User, text: str) -> str:
    """Take a code of the app or a recovery code; return which it was ("totp", "recovery"), "" when it is neither.

    A code of the app works once: the last accepted time step is kept under a lock on the row, so of two processes
    that are given the same code one is refused. Both kinds are tried, so the time taken tells little.
    """
    app = AuthenticatorApp.objects.select_for_update().filter(user=user).exclude(confirmed_at=None).first()
    if app is not None and _spend(app, text):
        return "totp"
    return "recovery" if use_recovery_code(user, text) else ""


def has_second_factor(user: User) -> bool:
    """Say whether the user has an app or a passkey that opens something."""
    return (
        AuthenticatorApp.objects.filter(user=user).exclude(confirmed_at=None).exists()
        or Passkey.objects.filter(user=user, suspected_at=None).exists()
    )


def first_recovery_codes(user: User) -> list[Secret]:
    """Make recovery codes for somebody who has none; nothing for others, whose codes were shown before."""
    return [] if codes_left(user) else renew_recovery_codes(user)


def _spend(app: AuthenticatorApp, code: str) -> bool:
    secret = reveal_secret(app.secret_id).reveal()
    counter = matching_counter(secret, code, now=time.time(), after=app.last_counter)
    if counter is None:
        return False
    app.last_counter, app.last_used_at = counter, timezone.now()
    app.save(update_fields=["last_counter", "last_used_at"])
    return True


def _remove_app(user: User, actor: Actor) -> None:
    app = AuthenticatorApp.objects.select_for_update().filter(user=user).first()
    if app is not None:
        delete_secret(secret_id=app.secret_id, actor=actor)
        app.delete()
        log.info("authenticator_app.removed", user_id=user.pk, by=actor.user_id)


def _drop_orphaned_codes(user: User) -> None:
    if not has_second_factor(user):
        RecoveryCode.objects.filter(user=user).delete()


def _own(actor: Actor) -> User:
    if not isinstance(actor, UserActor) or actor.token_id is not None:
        raise Forbidden("Only the person themselves can do this, in a browser.")
    return actor.user
