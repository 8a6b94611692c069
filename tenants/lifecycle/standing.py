"""What an operator does to a company: suspend it, make it read-only, let it go on, move, export, restore, delete it."""

import re
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext

from tenants.accounts.access import Actor, SystemActor
from tenants.backups.errors import BackupFailed, BackupsOff, NoBackup
from tenants.backups.selectors import protection_of
from tenants.foundation.crypto import Secret
from tenants.foundation.errors import Conflict, InvalidInput, NotFound
from tenants.lifecycle.deletion.services import cancel_deletion, request_deletion
from tenants.lifecycle.export.services import request_export
from tenants.lifecycle.moving.services import start_move
from tenants.lifecycle.onboarding import issue_owners_link
from tenants.lifecycle.operations import ask_for_run
from tenants.lifecycle.restoring.services import start_restore, start_taking_back
from tenants.lifecycle.transitions import LONGEST_REASON, change_state
from tenants.models import DeletionRequest, Operation, Tenant
from tenants.permissions import MANAGE_COMPANIES, PLATFORM_SLUG, require_operator

# What cannot be stored or turns the page's other words round: it stands on every page of a closed company.
UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
State = Tenant.State
# A deletion is called off, not resumed; an export, a move and an onboarding end by themselves.
STANDING = frozenset({State.ACTIVE, State.READ_ONLY, State.SUSPENDED})


def suspend_company(*, tenant_id: UUID, reason: str, actor: Actor) -> Tenant:
    """Close a company's doors: nobody signs in, nothing is read, its jobs wait. Nothing is lost.

    Raises: NotFound, Forbidden, InvalidInput (no reason), Conflict.
    """
    return _bring(tenant_id, State.SUSPENDED, _reason(reason), actor, frozenset({*STANDING, State.EXPORTING}))


def make_read_only(*, tenant_id: UUID, reason: str, actor: Actor) -> Tenant:
    """Let a company be read but not changed; its jobs wait.

    Raises: NotFound, Forbidden, InvalidInput (no reason), Conflict.
    """
    return _bring(tenant_id, State.READ_ONLY, _reason(reason), actor, frozenset({*STANDING, State.EXPORTING}))


def resume_company(*, tenant_id: UUID, actor: Actor) -> Tenant:
    """Open all of a company's doors again; the jobs that waited are due at once.

    Raises: NotFound, Forbidden, Conflict (it is to be deleted, or something else is being done to it).
    """
    return _bring(tenant_id, State.ACTIVE, "", actor, STANDING)


def _bring(tenant_id: UUID, to: str, reason: str, actor: Actor, standing: frozenset[State]) -> Tenant:
    if not isinstance(actor, SystemActor):
        require_operator(actor, MANAGE_COMPANIES)
    now = Tenant.objects.filter(pk=tenant_id).values_list("state", flat=True).first()
    if now is not None and now not in standing:
        raise Conflict(
            f"The company is {now.replace('_', ' ')}: that has to end first.", code="tenants.not_standing"
        )
    return change_state(tenant_id, to, reason=reason, asked_by=actor.name, seen=now)


def _reason(text: str) -> str:
    reason = " ".join(UNSEEN.sub(" ", text).split())
    if not reason:
        msg = "Say why, in words for the company's people."
        raise InvalidInput(msg, fields={"reason": [msg]})
    if len(reason) > LONGEST_REASON:
        msg = f"At most {LONGEST_REASON} characters."
        raise InvalidInput(msg, fields={"reason": [msg]})
    return reason


def move_company(*, tenant_id: UUID, to: str, actor: Actor, may_change_region: bool = False) -> Operation:
    """Have the workers move a company to another cell while it works.

    Raises: NotFound, Forbidden, InvalidInput (the cell), Conflict.
    """
    tenant = _asked(tenant_id, actor)
    operation = start_move(slug=tenant.slug, to=to, asked_by=actor.name, may_change_region=may_change_region)
    ask_for_run(operation)
    return operation


def export_company(*, tenant_id: UUID, actor: Actor) -> Operation:
    """Have the workers write everything of a company into one archive, for its owners. Raises: NotFound, Forbidden,
    Conflict."""
    tenant = _asked(tenant_id, actor)
    return request_export(tenant_id=tenant.pk, asked_by=actor.name)


def invite_owner_again(*, tenant_id: UUID, actor: Actor) -> Secret:
    """A new link for the invited owner who has not come yet; the one before is worth nothing any more.

    Raises: NotFound, Forbidden, Conflict (nobody is waited for).
    """
    link = issue_owners_link(_asked(tenant_id, actor))
    if link is None:
        raise Conflict("This company has its owner.", code="tenants.has_owner")
    return link


def delete_company(*, tenant_id: UUID, confirm: str, actor: Actor) -> DeletionRequest:
    """Close a company's doors and have it deleted after the days of grace; ``confirm`` is its slug, typed.

    Raises: NotFound, Forbidden, InvalidInput (another slug), Conflict.
    """
    tenant = _asked(tenant_id, actor)
    if tenant.slug == PLATFORM_SLUG:
        raise Conflict("The platform's own tenant stays.", code="tenants.platform_stays")
    return request_deletion(tenant_id=tenant.pk, asked_by=actor.name, confirm=confirm)


def restore_company(
    *,
    tenant_id: UUID,
    moment: datetime,
    confirm: str,
    actor: Actor,
    keeps_access: bool = True,
    cell: str = "",
) -> Operation:
    """Have the workers bring a company back to a moment; ``confirm`` is its slug, typed.

    ``cell``: where it lived then, if not where it lives now. ``keeps_access``: people shut out, revoked tokens and
    changed passwords stay as they are now.

    Raises: NotFound, Forbidden, InvalidInput (another slug, a moment that cannot be reached, no such cell), Conflict
    (its state, something else is being done, backups are off or cannot be read).
    """
    tenant = _restorable(tenant_id, actor, confirm)
    if cell and cell not in settings.CELLS:
        raise InvalidInput(
            gettext("There is no such cell."), fields={"cell": [gettext("There is no such cell.")]}
        )
    protection = protection_of(tenant)
    if not protection.is_on:
        raise BackupsOff
    if moment > timezone.now():
        raise _unreachable(gettext("That moment has not come yet: choose one in the past."))
    if not cell and protection.earliest is None:
        raise _unreachable(gettext("There is no backup yet from which it could be restored."))
    if not cell and protection.earliest and moment < protection.earliest:
        first = date_format(protection.earliest, "j M Y H:i:s")
        raise _unreachable(gettext("The earliest moment is %(first)s (UTC).") % {"first": first})
    try:
        return start_restore(
            slug=tenant.slug, moment=moment, asked_by=actor.name, keeps_access=keeps_access, cell=cell or None
        )
    except NoBackup as error:
        raise _unreachable(error.message) from error
    except (OSError, BackupFailed) as error:
        text = error.message if isinstance(error, BackupFailed) else ""
        raise Conflict(
            text or gettext("The repository of the backups cannot be read at the moment."),
            code="restores.repository",
        ) from error


def take_company_s_restore_back(*, tenant_id: UUID, confirm: str, actor: Actor) -> Operation:
    """Have the workers give a company back what its latest restore has replaced; ``confirm`` is its slug, typed.

    Raises: NotFound, Forbidden, InvalidInput (another slug), Conflict (nothing is kept, or something is being done).
    """
    tenant = _restorable(tenant_id, actor, confirm)
    return start_taking_back(slug=tenant.slug, asked_by=actor.name)


def _restorable(tenant_id: UUID, actor: Actor, confirm: str) -> Tenant:
    tenant = _asked(tenant_id, actor)
    if tenant.slug == PLATFORM_SLUG:
        raise Conflict(gettext("The platform's own tenant stays as it is."), code="tenants.platform_stays")
    if tenant.state not in STANDING:
        raise Conflict(
            f"The company is {tenant.state.replace('_', ' ')}: that has to end first.",
            code="tenants.not_standing",
        )
    if confirm.strip().lower() != tenant.slug:
        line = gettext("Type “%(slug)s” to say that you mean it.") % {"slug": tenant.slug}
        raise InvalidInput(gettext("This is not the company's address."), fields={"confirm": [line]})
    return tenant


def _unreachable(line: str) -> InvalidInput:
    return InvalidInput(
        gettext("The company cannot be brought back to that moment."), code="restores.unreachable",
        fields={"moment": [line]},
    )  # fmt: skip


def keep_company(*, tenant_id: UUID, actor: Actor) -> Tenant:
    """Call a deletion off: everything is as it was before. Raises: NotFound, Forbidden, Conflict (it has begun)."""
    return cancel_deletion(tenant_id=_asked(tenant_id, actor).pk, asked_by=actor.name)


def _asked(tenant_id: UUID, actor: Actor) -> Tenant:
    if not isinstance(actor, SystemActor):
        require_operator(actor, MANAGE_COMPANIES)
    tenant = Tenant.objects.filter(pk=tenant_id).first()
    if tenant is None:
        raise NotFound("There is no such company.", code="tenants.unknown")
    return tenant
