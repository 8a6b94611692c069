"""The forms with which a provider is set up."""

from typing import Any, Final

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from tenants.accounts.access import UserActor
from tenants.accounts.models import IdentityProvider
from tenants.accounts.sso import provisioning
from tenants.accounts.sso.presets import PRESETS

_MOST_XML: Final = 256 * 1024


class NewProviderForm(forms.Form):
    """Which kind, and what people shall read on the button."""

    preset = forms.ChoiceField(
        label=_("Kind"),
        choices=[(key, each.label) for key, each in PRESETS.items()],
        widget=forms.RadioSelect,
    )
    name = forms.CharField(
        label=_("Name"), max_length=80, help_text=_("People read it on the button: “Continue with …”.")
    )


class SamlForm(forms.Form):
    """The provider's side of SAML: its metadata, by address or as text."""

    metadata_url = forms.URLField(
        label=_("Address of the metadata"), required=False, max_length=1000, assume_scheme="https"
    )
    metadata = forms.CharField(
        label=_("or the metadata itself"),
        required=False,
        max_length=_MOST_XML,
        widget=forms.Textarea(attrs={"rows": 5, "spellcheck": "false"}),
    )


class OidcForm(forms.Form):
    """The provider's side of OpenID Connect or GitHub."""

    issuer = forms.CharField(label=_("Issuer"), max_length=500)
    organisation = forms.CharField(label=_("Organisation"), max_length=120, required=False)
    client_id = forms.CharField(label=_("Client ID"), max_length=255)
    client_secret = forms.CharField(
        label=_("Client secret"),
        max_length=1000,
        required=False,
        strip=True,
        help_text=_("Left empty, the one that is kept stays."),
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
    )

    def __init__(self, *args: Any, provider: IdentityProvider, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        preset = IdentityProvider.Preset
        if provider.preset in {preset.GOOGLE, preset.GITHUB}:
            del self.fields["issuer"]
        if provider.preset == preset.MICROSOFT:
            self.fields["issuer"].label = _("Directory (tenant) ID")
        if provider.preset == preset.GITHUB:
            self.fields["organisation"].required = True
        elif provider.preset == preset.GOOGLE:
            self.fields["organisation"].label = _("Workspace domain")
        else:
            del self.fields["organisation"]


class PeopleForm(forms.Form):
    """What is read of people, and what becomes of those who come for the first time."""

    name = forms.CharField(label=_("Name on the button"), max_length=80)
    email_attribute = forms.CharField(
        label=_("Attribute with the e-mail address"), max_length=200, required=False
    )
    name_attribute = forms.CharField(label=_("Attribute with the name"), max_length=200, required=False)
    groups_attribute = forms.CharField(label=_("Attribute with the groups"), max_length=200, required=False)
    provisions_users = forms.BooleanField(
        label=_("Make an account for people who sign in for the first time"), required=False
    )
    default_role = forms.ChoiceField(label=_("Their role"))
    allows_idp_initiated = forms.BooleanField(
        label=_("Sign-ins may begin at the provider’s own portal"), required=False
    )

    def __init__(self, *args: Any, provider: IdentityProvider, actor: UserActor, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["default_role"].choices = role_choices(actor)  # type: ignore[attr-defined]
        for field in ("email_attribute", "name_attribute", "groups_attribute"):
            self.fields[field].help_text = _("Empty: the usual names are tried.")
        if provider.kind != IdentityProvider.Kind.SAML:
            del self.fields["allows_idp_initiated"]


class RulesForm(forms.Form):
    """Group → role, one a line."""

    rules = forms.CharField(
        label=_("Rules"),
        required=False,
        max_length=60_000,
        help_text=_("One a line: the name of the group, an equals sign, the role. Engineering = member"),
        widget=forms.Textarea(attrs={"rows": 6, "spellcheck": "false"}),
    )

    def clean_rules(self) -> dict[str, str]:
        """Return group → role."""
        rules: dict[str, str] = {}
        for line in str(self.cleaned_data["rules"]).splitlines():
            name, separator, role = line.rpartition("=")
            if not line.strip():
                continue
            if not separator or not name.strip():
                raise forms.ValidationError(
                    gettext("This line has no equals sign: %(line)s") % {"line": line[:80]}
                )
            rules[name.strip()] = role.strip().lower()
        return rules


def role_choices(actor: UserActor) -> list[tuple[str, str]]:
    """The roles a provider may give, up to the actor's own."""
    own = actor.role
    return [
        (role.value, str(role.label))
        for role in provisioning.MAPPABLE_ROLES
        if own is not None and own.includes(role)
    ]
