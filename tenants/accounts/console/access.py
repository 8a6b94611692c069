"""Access: roles, who has which and why, groups, and what was refused lately."""

from collections.abc import Callable
from datetime import datetime, time
from typing import Any, cast
from uuid import UUID

from django import forms
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from tenants.accounts.access import Actor, Role, Scope, ScopeType, actor_of, all_permissions, can, require
from tenants.accounts.access.bindings import Holder, Kind, revoke_role
from tenants.accounts.access.custom_roles import (
    change_custom_role,
    create_custom_role,
    delete_custom_role,
    visible_custom_roles,
)
from tenants.accounts.access.granting import may_give_role
from tenants.accounts.access.groups import (
    change_group,
    create_group,
    delete_group,
    set_members,
    visible_groups,
)
from tenants.accounts.access.owner_grants import give_role
from tenants.accounts.access.recording import recent_denials
from tenants.accounts.access.reviewing import binding_rows
from tenants.accounts.access.roles import DESCRIPTIONS
from tenants.accounts.access.scopes import scope_names
from tenants.accounts.console.forms import add_domain_error
from tenants.accounts.console.proposed_changes import waits_for_second_person
from tenants.accounts.models import CustomRole, Department, Group, ProposedChange, RoleBinding, User
from tenants.accounts.sessions.proof import ProofNeeded
from tenants.foundation.console import toast
from tenants.foundation.errors import DomainError
from tenants.tenancy import atomic

_SHOWN_DENIALS = 50


class GrantForm(forms.Form):
    """Whom to give which role, where and until when."""

    holder = forms.ChoiceField(label=_("To"))
    role = forms.ChoiceField(label=_("Role"))
    scope = forms.ChoiceField(label=_("Where"), required=False)
    expires_on = forms.DateField(
        label=_("Until"),
        required=False,
        help_text=_("Ends with this day. Empty: for good."),
        widget=forms.DateInput(attrs={"type": "date"}),
    )

    def __init__(self, *args: Any, actor: Actor, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        people = User.objects.filter(is_active=True, support_account=None).order_by("name", "pk")
        self._choices("holder", [
            (_("People"), [(f"user:{each.pk}", str(each)) for each in people]),
            (_("Groups"), [(f"group:{each.pk}", each.name) for each in Group.objects.order_by("name", "pk")]),
            (_("Departments"), [(f"department:{each.pk}", each.name) for each in Department.objects.order_by("name")]),
        ])  # fmt: skip
        self._choices("role", [
            (_("Built-in"), [(role.value, role.label) for role in Role if may_give_role(actor, role)]),
            (_("Your own"), [(str(each.pk), each.name) for each in CustomRole.objects.order_by("name", "pk")]),
        ])  # fmt: skip
        parts: dict[ScopeType, list[tuple[str, str]]] = {}
        for scope, name in scope_names().items():
            parts.setdefault(scope.type, []).append((str(scope), name))
        self._choices(
            "scope",
            [("", _("The whole company")), *((kind.label, found) for kind, found in parts.items())],
        )

    def _choices(self, name: str, choices: Any) -> None:
        shown = [each for each in choices if each[0] == "" or each[1]]
        cast(forms.ChoiceField, self.fields[name]).choices = shown

    def grant(self, actor: Actor) -> RoleBinding | ProposedChange:
        """Do what the form says. Raises: what `give_role` raises."""
        data = self.cleaned_data
        kind, _colon, number = data["holder"].partition(":")
        scope_type, _colon, scope_id = data["scope"].partition(":")
        day = data["expires_on"]
        named = data["role"]
        return give_role(
            holder=Holder(cast(Kind, kind), UUID(number)),
            role=Role(named) if named in Role else CustomRole.objects.get(pk=named),
            scope=Scope(ScopeType(scope_type), UUID(scope_id)) if scope_id else None,
            expires_at=timezone.make_aware(datetime.combine(day, time.max)) if day else None,
            actor=actor,
        )


class RoleForm(forms.Form):
    """A role of the company's own."""

    name = forms.CharField(label=_("Name"), max_length=80)
    description = forms.CharField(label=_("What it is for"), max_length=300, required=False)
    codes = forms.MultipleChoiceField(label=_("It may"), widget=forms.CheckboxSelectMultiple)

    def __init__(self, *args: Any, actor: Actor, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        cast(forms.MultipleChoiceField, self.fields["codes"]).choices = [
            (each.code, _(each.label))
            for each in all_permissions()
            if not each.code.startswith("platform.") and can(actor, each.code)
        ]


class GroupForm(forms.Form):
    """A group and who is in it."""

    name = forms.CharField(label=_("Name"), max_length=200)
    description = forms.CharField(label=_("What it is for"), max_length=300, required=False)
    members = forms.MultipleChoiceField(
        label=_("Members"), widget=forms.CheckboxSelectMultiple, required=False
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        people = User.objects.filter(is_active=True, support_account=None).order_by("name", "pk")
        cast(forms.MultipleChoiceField, self.fields["members"]).choices = [
            (str(each.pk), f"{each.name} · {each.email}") for each in people
        ]


@login_required
@never_cache
@require_safe
def overview(request: HttpRequest) -> HttpResponse:
    """Roles, bindings, groups and refusals on one page. Raises: Forbidden."""
    return _overview(request, None)


@login_required
@never_cache
@require_POST
def grant(request: HttpRequest) -> HttpResponse:
    """Give a role. Raises: Forbidden."""
    actor = actor_of(request)
    require(actor, "accounts.change_roles")
    form = GrantForm(request.POST, actor=actor)
    if form.is_valid():
        try:
            given = form.grant(actor)
        except ProofNeeded:
            raise
        except DomainError as error:
            add_domain_error(form, error)
        else:
            if isinstance(given, ProposedChange):
                return waits_for_second_person(request, given)
            return _back(request, gettext("The role was given."))
    return _overview(request, form, status=422)


@login_required
@require_POST
def revoke(request: HttpRequest, binding_id: UUID) -> HttpResponse:
    """Take a role away. Raises: Forbidden, Conflict."""
    actor = actor_of(request)
    require(actor, "accounts.change_roles")
    revoke_role(binding=get_object_or_404(RoleBinding, pk=binding_id), actor=actor)
    return _back(request, gettext("The role was taken away."))


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def new_role(request: HttpRequest) -> HttpResponse:
    """Make a role of the company's own. Raises: Forbidden."""
    actor = actor_of(request)
    require(actor, "accounts.manage_roles")
    form = RoleForm(request.POST or None, actor=actor)
    return _form_page(
        request,
        form,
        "accounts/access_role.html",
        save=lambda data: create_custom_role(actor=actor, **data),
        done=gettext("The role was made."),
    )


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def role_page(request: HttpRequest, role_id: UUID) -> HttpResponse:
    """Change a role of the company's own. Raises: Forbidden."""
    actor = actor_of(request)
    require(actor, "accounts.manage_roles")
    role = get_object_or_404(CustomRole, pk=role_id)
    initial = {"name": role.name, "description": role.description, "codes": role.codes}
    return _form_page(
        request,
        RoleForm(request.POST or None, initial=initial, actor=actor),
        "accounts/access_role.html",
        thing=role,
        save=lambda data: change_custom_role(role=role, actor=actor, **data),
        done=gettext("The role was changed, for everybody who has it."),
    )


@login_required
@require_POST
def remove_role(request: HttpRequest, role_id: UUID) -> HttpResponse:
    """Delete a role nobody has. Raises: Forbidden, Conflict."""
    actor = actor_of(request)
    require(actor, "accounts.manage_roles")
    delete_custom_role(role=get_object_or_404(CustomRole, pk=role_id), actor=actor)
    return _back(request, gettext("The role was deleted."))


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def new_group(request: HttpRequest) -> HttpResponse:
    """Make a group. Raises: Forbidden."""
    actor = actor_of(request)
    require(actor, "accounts.manage_groups")

    def save(data: dict[str, Any]) -> None:
        group = create_group(name=data["name"], description=data["description"], actor=actor)
        set_members(group=group, user_ids=[UUID(each) for each in data["members"]], actor=actor)

    form = GroupForm(request.POST or None)
    return _form_page(
        request, form, "accounts/access_group.html", save=save, done=gettext("The group was made.")
    )


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def group_page(request: HttpRequest, group_id: UUID) -> HttpResponse:
    """Change a group and who is in it. Raises: Forbidden."""
    actor = actor_of(request)
    require(actor, "accounts.manage_groups")
    group = get_object_or_404(Group, pk=group_id)
    members = [str(number) for number in group.memberships.values_list("user_id", flat=True)]
    initial = {"name": group.name, "description": group.description, "members": members}

    def save(data: dict[str, Any]) -> None:
        change_group(group=group, name=data["name"], description=data["description"], actor=actor)
        set_members(group=group, user_ids=[UUID(each) for each in data["members"]], actor=actor)

    form = GroupForm(request.POST or None, initial=initial)
    done = gettext("The group was changed.")
    return _form_page(request, form, "accounts/access_group.html", thing=group, save=save, done=done)


@login_required
@require_POST
def remove_group(request: HttpRequest, group_id: UUID) -> HttpResponse:
    """Delete a group. Raises: Forbidden."""
    actor = actor_of(request)
    require(actor, "accounts.manage_groups")
    delete_group(group=get_object_or_404(Group, pk=group_id), actor=actor)
    return _back(request, gettext("The group was deleted."))


def _overview(request: HttpRequest, form: GrantForm | None, *, status: int = 200) -> HttpResponse:
    actor = actor_of(request)
    require(actor, "accounts.view_access")
    may_change = can(actor, "accounts.change_roles")
    labels = {each.code: each.label for each in all_permissions()}
    context = {
        "builtin": [(role, DESCRIPTIONS[role]) for role in Role],
        "own_roles": list(visible_custom_roles(actor=actor)),
        "groups": list(visible_groups(actor=actor)),
        "rows": binding_rows(actor=actor, may_change=may_change),
        "denials": [
            (each, labels.get(each.permission, each.permission))
            for each in recent_denials(actor=actor)[:_SHOWN_DENIALS]
        ],
        "may_change": may_change,
        "may_manage_roles": can(actor, "accounts.manage_roles"),
        "may_manage_groups": can(actor, "accounts.manage_groups"),
        "form": form or (GrantForm(actor=actor) if may_change else None),
    }
    return render(request, "accounts/access.html", context, status=status)


def _form_page(
    request: HttpRequest,
    form: forms.Form,
    template: str,
    *,
    save: Callable[[dict[str, Any]], object],
    done: str,
    thing: CustomRole | Group | None = None,
) -> HttpResponse:
    """Show a form; save what it says, and show what was wrong with it beside its fields."""
    if form.is_valid():
        try:
            with atomic():
                save(form.cleaned_data)
        except ProofNeeded:
            raise
        except DomainError as error:
            add_domain_error(form, error)
        else:
            return _back(request, done)
    status = 422 if form.is_bound else 200
    return render(request, template, {"form": form, "thing": thing}, status=status)


def _back(request: HttpRequest, text: str) -> HttpResponse:
    return toast(request, HttpResponseRedirect(reverse("accounts:access")), text)
