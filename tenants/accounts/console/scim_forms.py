"""The forms with which a directory is set up."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from tenants.accounts.access import UserActor
from tenants.accounts.access.granting import may_give_role
from tenants.accounts.models import CustomRole, EmailDomain, IdentityProvider, ScimDirectory
from tenants.accounts.scim.directories import ROLES, DirectoryChange
from tenants.accounts.scim.mapping import MappedGroup


class NewDirectoryForm(forms.Form):
    """What a directory is called here."""

    name = forms.CharField(label=_("Name"), max_length=80, help_text=_("For example “Entra ID” or “Okta”."))
    default_role = forms.ChoiceField(label=_("Role of the people it brings"), required=False)

    def __init__(self, *args: Any, actor: UserActor, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["default_role"].choices = _role_choices(actor)  # type: ignore[attr-defined]
        self.fields["default_role"].initial = "member"


class KeyForm(forms.Form):
    """A key in place of the one there is."""

    days = forms.IntegerField(label=_("It lives"), initial=365, min_value=1, max_value=365)
    overlap_hours = forms.IntegerField(
        label=_("The present key goes on for"), initial=24, min_value=0, max_value=168
    )
    allowed_networks = forms.CharField(
        label=_("Only from these networks"),
        required=False,
        help_text=_("One in each line. Empty: from everywhere."),
        widget=forms.Textarea(attrs={"rows": 2, "spellcheck": "false"}),
    )


class DirectoryForm(forms.Form):
    """The company's rules for a directory."""

    name = forms.CharField(label=_("Name"), max_length=80)
    is_enabled = forms.BooleanField(label=_("It may change people and groups"), required=False)
    default_role = forms.ChoiceField(label=_("Role of the people it brings"), required=False)
    username_domain = forms.ChoiceField(
        label=_("Domain of user names that are no addresses"),
        required=False,
        help_text=_("Put behind the user name. Only domains the company has verified can be chosen."),
    )
    provider = forms.ChoiceField(
        label=_("Its people sign in with"),
        required=False,
        help_text=_(
            "If the directory's external ids are this provider's subjects, people are known by them."
        ),
    )
    brake_percent = forms.IntegerField(label=_("Shuts out at once at most"), min_value=0, max_value=100)
    brake_least = forms.IntegerField(label=_("But always"), min_value=0, max_value=1000)
    brake_hours = forms.IntegerField(label=_("Counted over the last"), min_value=1, max_value=168)

    def __init__(self, *args: Any, actor: UserActor, directory: ScimDirectory, **kwargs: Any) -> None:
        names = (
            "name", "is_enabled", "default_role", "username_domain", "brake_percent", "brake_least", "brake_hours",
        )  # fmt: skip
        initial = {name: getattr(directory, name) for name in names}
        initial["provider"] = str(directory.provider_id or "")
        kwargs["initial"] = initial
        super().__init__(*args, **kwargs)
        roles = _role_choices(actor)
        if directory.default_role not in dict(roles):
            roles.append((directory.default_role, dict(_all_roles())[directory.default_role]))
        self.fields["default_role"].choices = roles  # type: ignore[attr-defined]
        domains = list(
            EmailDomain.objects.filter(state=EmailDomain.State.VERIFIED).values_list("domain", flat=True)
        )
        self.fields["username_domain"].choices = [  # type: ignore[attr-defined]
            ("", _("none")), *((each, each) for each in {*domains, directory.username_domain} if each),
        ]  # fmt: skip
        self.fields["provider"].choices = [  # type: ignore[attr-defined]
            ("", _("not one of these, or unknown")),
            *((str(each.pk), each.name) for each in IdentityProvider.objects.order_by("name")),
        ]

    def change(self) -> DirectoryChange:
        """What was chosen."""
        data = dict(self.cleaned_data)
        provider = data.pop("provider")
        return DirectoryChange(provider_id=provider or None, has_provider=bool(provider), **data)


class RolesForm(forms.Form):
    """Which group gives which role."""

    def __init__(self, *args: Any, actor: UserActor, groups: list[MappedGroup], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        own = [(str(pk), name) for pk, name in CustomRole.objects.order_by("name").values_list("pk", "name")]
        choices = [*_role_choices(actor), *own]
        self.groups = groups
        for group in groups:
            offered = list(choices)
            if group.role not in dict(offered):
                offered.append((group.role, dict(_all_roles()).get(group.role, group.role)))
            self.fields[f"group-{group.id}"] = forms.ChoiceField(
                label=group.name, choices=offered, required=False, initial=group.role
            )

    def rows(self) -> list[tuple[MappedGroup, Any]]:
        """The groups with their fields."""
        return [(group, self[f"group-{group.id}"]) for group in self.groups]

    def wanted(self) -> dict[Any, str]:
        """Group → role, those that differ from now only."""
        chosen = {group.id: self.cleaned_data[f"group-{group.id}"] for group in self.groups}
        return {group.id: chosen[group.id] for group in self.groups if chosen[group.id] != group.role}


def _all_roles() -> list[tuple[str, str]]:
    return [("", str(_("none"))), *((role.value, str(role.label)) for role in ROLES)]


def _role_choices(actor: UserActor) -> list[tuple[str, str]]:
    if not actor.holds("accounts.change_roles"):
        return _all_roles()[:1]
    may = {role.value for role in ROLES if may_give_role(actor, role)}
    return [(key, label) for key, label in _all_roles() if not key or key in may]
