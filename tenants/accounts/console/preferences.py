"""Preferences: one's own name, language, time zone and theme."""

from django import forms
from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from tenants.accounts.access import actor_of
from tenants.accounts.console.forms import add_domain_error
from tenants.accounts.models import User
from tenants.accounts.services import update_profile
from tenants.accounts.time_zones import time_zones
from tenants.foundation.console import toast
from tenants.foundation.errors import DomainError


class PreferencesForm(forms.Form):
    """What a person may say about themselves."""

    name = forms.CharField(label=_("Name"), max_length=120)
    language = forms.ChoiceField(label=_("Language"), required=False)
    time_zone = forms.ChoiceField(label=_("Time zone"), required=False)
    theme = forms.ChoiceField(
        label=_("Appearance"),
        choices=[
            (User.Theme.SYSTEM, _("As the device")),
            (User.Theme.LIGHT, _("Light")),
            (User.Theme.DARK, _("Dark")),
        ],
    )

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        company = [("", _("As the company"))]
        self.fields["language"].choices = [*company, *settings.LANGUAGES]  # type: ignore[attr-defined]
        self.fields["time_zone"].choices = [  # type: ignore[attr-defined]
            *company,
            *((name, name.replace("_", " ")) for name in time_zones()),
        ]


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def preferences(request: HttpRequest) -> HttpResponse:
    """Show and save them."""
    actor = actor_of(request)
    user = actor.user
    initial = {
        "name": user.name,
        "language": user.language,
        "time_zone": user.time_zone,
        "theme": user.theme,
    }
    form = PreferencesForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            update_profile(user=user, actor=actor, **form.cleaned_data)
        except DomainError as error:
            add_domain_error(form, error)
        else:
            response = HttpResponseRedirect(reverse("accounts:preferences"))
            # The switch in the frame keeps its choice in this cookie, which would outdo what is chosen here.
            response.delete_cookie("theme")
            with translation.override(user.language or translation.get_language()):
                return toast(request, response, translation.gettext("Saved."))
    status = 422 if form.is_bound and not form.is_valid() else 200
    context = {"form": form, "email": user.email}
    return render(request, "accounts/preferences.html", context, status=status)
