"""Users & roles: who is here, who is invited, and what they may do."""

from dataclasses import dataclass
from uuid import UUID

from django import forms
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from tenants.accounts.access import Actor, Role, UserActor, actor_of, can, require
from tenants.accounts.access.bindings import Holder
from tenants.accounts.access.catalogue import is_known
from tenants.accounts.access.granting import given_by, may_give_role
from tenants.accounts.access.holdings import NOTHING, Holding
from tenants.accounts.access.owner_grants import give_role
from tenants.accounts.access.roles import DESCRIPTIONS, ScopeType, highest
from tenants.accounts.console.forms import add_domain_error
from tenants.accounts.console.proposed_changes import waits_for_second_person
from tenants.accounts.invitations.letters import link_of, mail_invitation
from tenants.accounts.invitations.selectors import pending_invitations
from tenants.accounts.invitations.services import (
    IssuedInvitation,
    invite_user,
    renew_invitation,
    revoke_invitation,
)
from tenants.accounts.models import CustomRole, Invitation, ProposedChange, User
from tenants.accounts.selectors import visible_users
from tenants.accounts.services import change_role, deactivate_user, reactivate_user
from tenants.foundation.console import toast
from tenants.foundation.errors import DomainError


@dataclass(frozen=True, kw_only=True)
class Row:
    """One person as the list shows them."""

    user: User
    role: Role | None
    can_be_changed: bool
    is_self: bool
    roles: list[tuple[str, str]]
    menu_id: str
    # Roles besides the one that is named: by a part of the company, with an end, of the company's own.
    more: int


class InviteForm(forms.Form):
    """Whom to invite, and as what."""

    email = forms.EmailField(label=_("E-mail"), max_length=254)
    name = forms.CharField(label=_("Name"), max_length=120, required=False)
    role = forms.ChoiceField(label=_("Role"))

    def __init__(self, *args: object, actor: Actor, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        own = [
            (str(each.pk), each.name)
            for each in CustomRole.objects.order_by("name")
            if may_give_own(actor, each)
        ]
        choices = [*roles_to_give(actor), *([(_("Your own"), own)] if own else [])]
        self.fields["role"].choices = choices  # type: ignore[attr-defined]
        self.fields["role"].initial = Role.MEMBER.value


def may_give_own(actor: Actor, role: CustomRole) -> bool:
    """Say whether an actor may give a role of the company's own: they hold all of it."""
    return (
        actor.holding.covers(Holding(frozenset(filter(is_known, role.codes))))
        if isinstance(actor, UserActor)
        else True
    )


def roles_to_give(actor: Actor) -> list[tuple[str, str]]:
    """Return the roles an actor may give: those that hold no more than they do."""
    return [(role.value, str(role.label)) for role in Role if may_give_role(actor, role)]


@login_required
@never_cache
@require_safe
def user_list(request: HttpRequest) -> HttpResponse:
    """Everybody, and for those who invite the open invitations."""
    return _list(request, InviteForm(actor=actor_of(request)))


@login_required
@never_cache
@require_POST
def invite(request: HttpRequest) -> HttpResponse:
    """Invite somebody and show the link, this once."""
    require(actor_of(request), "accounts.invite_users")
    form = InviteForm(request.POST, actor=actor_of(request))
    if form.is_valid():
        data = form.cleaned_data
        try:
            named = data["role"]
            issued = invite_user(
                email=data["email"],
                name=data["name"],
                # Beside a role of the company's own they get the smallest built-in one, for their own settings.
                role=Role(named) if named in Role else Role.GUEST,
                custom_role=None if named in Role else CustomRole.objects.get(pk=named),
                actor=actor_of(request),
            )
        except DomainError as error:
            add_domain_error(form, error)
        else:
            return _issued(request, issued)
    return _list(request, form, status=422)


@login_required
@never_cache
@require_POST
def renew(request: HttpRequest, invitation_id: UUID) -> HttpResponse:
    """Make a new link for an invitation and show it, this once."""
    invitation = get_object_or_404(pending_invitations(actor=actor_of(request)), pk=invitation_id)
    return _issued(request, renew_invitation(invitation=invitation, actor=actor_of(request)))


@login_required
@require_POST
def revoke(request: HttpRequest, invitation_id: UUID) -> HttpResponse:
    """Make an invitation's link worthless."""
    invitation = get_object_or_404(pending_invitations(actor=actor_of(request)), pk=invitation_id)
    revoke_invitation(invitation=invitation, actor=actor_of(request))
    return _back(request, gettext("The invitation of %(who)s was revoked.") % {"who": invitation.email})


@login_required
@require_POST
def set_role(request: HttpRequest, user_id: UUID) -> HttpResponse:
    """Give somebody another role."""
    require(actor_of(request), "accounts.change_roles")
    user = get_object_or_404(visible_users(actor=actor_of(request)), pk=user_id)
    chosen = request.POST.get("role", "")
    if chosen not in Role.values:
        return _list(request, InviteForm(actor=actor_of(request)), status=422)
    if chosen == Role.OWNER:
        given = give_role(holder=Holder("user", user.pk), role=Role.OWNER, actor=actor_of(request))
        if isinstance(given, ProposedChange):
            return waits_for_second_person(request, given)
    else:
        change_role(user=user, role=Role(chosen), actor=actor_of(request))
    return _back(
        request,
        gettext("%(who)s now has the role %(role)s.") % {"who": user.name, "role": Role(chosen).label},
    )


@login_required
@require_POST
def deactivate(request: HttpRequest, user_id: UUID) -> HttpResponse:
    """Shut somebody out."""
    require(actor_of(request), "accounts.deactivate_users")
    user = get_object_or_404(visible_users(actor=actor_of(request)), pk=user_id)
    deactivate_user(user=user, actor=actor_of(request))
    text = gettext("%(who)s can no longer sign in.") % {"who": user.name}
    return _back(request, text, undo_url=reverse("accounts:reactivate_user", args=[user.pk]))


@login_required
@require_POST
def reactivate(request: HttpRequest, user_id: UUID) -> HttpResponse:
    """Let somebody in again."""
    require(actor_of(request), "accounts.deactivate_users")
    user = get_object_or_404(visible_users(actor=actor_of(request)), pk=user_id)
    reactivate_user(user=user, actor=actor_of(request))
    return _back(request, gettext("%(who)s can sign in again.") % {"who": user.name})


def _list(request: HttpRequest, form: InviteForm, *, status: int = 200) -> HttpResponse:
    actor = actor_of(request)
    may_invite = can(actor, "accounts.invite_users")
    invitations: list[Invitation] = list(pending_invitations(actor=actor)) if may_invite else []
    context = {
        "rows": [_row(user, actor) for user in visible_users(actor=actor)],
        "invitations": invitations,
        "form": form,
        "may_invite": may_invite,
        "roles": [(role.label, DESCRIPTIONS[role]) for role in Role],
    }
    return render(request, "accounts/users.html", context, status=status)


def _row(user: User, actor: UserActor) -> Row:
    bindings = [each for each in user.role_bindings.all() if each.is_in_force]
    company_wide = [each for each in bindings if each.scope_type == ScopeType.COMPANY and each.role]
    role = highest(frozenset(Role(each.role) for each in company_wide))
    held = NOTHING
    for each in bindings:
        held |= given_by(each)
    return Row(
        user=user,
        role=role,
        is_self=user.pk == actor.user_id,
        menu_id=str(user.pk),
        more=len(bindings) - (1 if role else 0),
        can_be_changed=can(actor, "accounts.change_roles")
        and actor.own_holding.covers(held.without("platform.")),
        roles=[choice for choice in roles_to_give(actor) if role is None or choice[0] != role.value],
    )


def _issued(request: HttpRequest, issued: IssuedInvitation) -> HttpResponse:
    mail_invitation(issued)
    context = {"invitation": issued.invitation, "link": link_of(issued)}
    return render(request, "accounts/invitation_issued.html", context)


def _back(request: HttpRequest, text: str, *, undo_url: str = "") -> HttpResponse:
    return toast(request, HttpResponseRedirect(reverse("accounts:users")), text, undo_url=undo_url)
