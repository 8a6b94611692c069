"""Letters in the company's own words: a list, an editor with a preview in a frame, and a letter to oneself to try."""

from typing import Any, Final

from django import forms
from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.csp import csp_override
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from tenants.accounts.access import actor_of
from tenants.accounts.console.forms import add_domain_error
from tenants.branding.letter_previews import letter_to_try, previewed_letter
from tenants.branding.letter_texts import (
    LetterInWords,
    letter_in_words,
    letters_in_words,
    reset_letter_text,
    write_letter_text,
)
from tenants.foundation.console import toast
from tenants.foundation.errors import ExternalServiceError, InvalidInput
from tenants.foundation.letters import OwnText
from tenants.foundation.letters.placeholders import MOST_BODY, MOST_SUBJECT
from tenants.tenancy import atomic, current_tenant, outside_transaction

FRAMES_POLICY: Final = {**settings.SECURE_CSP, "frame-src": ["'self'"]}
# A letter has its styles in its elements, as mail programs want it. Nothing in it runs, and only we may frame it.
LETTER_POLICY: Final = {
    "default-src": ["'none'"],
    "style-src": ["'unsafe-inline'"],
    "img-src": ["'self'"],
    "base-uri": ["'none'"],
    "form-action": ["'none'"],
    "frame-ancestors": ["'self'"],
    "sandbox": [""],
}


class LetterForm(forms.Form):
    """Subject and text."""

    subject = forms.CharField(label=_("Subject"), max_length=MOST_SUBJECT)
    body = forms.CharField(
        label=_("Text"), max_length=MOST_BODY, widget=forms.Textarea(attrs={"rows": 14, "class": "mono"}),
        help_text=_("An empty line begins a new paragraph. A link that stands alone becomes a button."),
    )  # fmt: skip


@login_required
@require_safe
def letters(request: HttpRequest) -> HttpResponse:
    """Every letter there is in one language."""
    language = _language(request)
    found = letters_in_words(actor=actor_of(request), language=language)
    return render(request, "branding/letters.html", {"letters": found, **_languages(language)})


@login_required
@never_cache
@csp_override(FRAMES_POLICY)
@require_http_methods(["GET", "HEAD", "POST"])
def letter(request: HttpRequest, kind: str) -> HttpResponse:
    """Show and save one letter in one language."""
    actor, language = actor_of(request), _language(request)
    now = letter_in_words(actor=actor, code=kind, language=language)
    if request.method != "POST":
        return _page(request, now, LetterForm(initial={"subject": now.subject, "body": now.body}))
    back = HttpResponseRedirect(f"{reverse('branding:letter', args=[kind])}?language={language}")
    if request.POST.get("do") == "reset":
        reset_letter_text(actor=actor, code=kind, language=language)
        return toast(request, back, gettext("The letter has the product's words again."))
    form = LetterForm(request.POST)
    if form.is_valid():
        try:
            write_letter_text(actor=actor, code=kind, language=language, **form.cleaned_data)
        except InvalidInput as error:
            add_domain_error(form, error)
        else:
            return toast(request, back, gettext("The next letter has these words."))
    return _page(request, now, form, status=422)


@login_required
@never_cache
@xframe_options_sameorigin
@csp_override(LETTER_POLICY)
@require_http_methods(["GET", "HEAD", "POST"])
def letter_frame(request: HttpRequest, kind: str) -> HttpResponse:
    """The letter as it would arrive, with invented values: as it is saved, or in the words of a form.

    It is drawn in the draft of the brand; `color` and `name` try others.
    """
    asked = request.POST if request.method == "POST" else request.GET
    own = OwnText(asked.get("subject", ""), asked.get("body", "")) if request.method == "POST" else None
    try:
        made = previewed_letter(
            actor=actor_of(request), code=kind, language=_language(request), own=own,
            color=request.GET.get("color", ""), name=request.GET.get("name", ""),
        )  # fmt: skip
    except InvalidInput as error:
        lines = [line for found in error.fields.values() for line in found] or [error.message]
        return render(request, "letters/refused.html", {"lines": lines}, status=422)
    return HttpResponse(made.html)


@login_required
@outside_transaction
@require_POST
def try_letter(request: HttpRequest, kind: str) -> HttpResponse:
    """Send the saved letter, with invented values, to whoever asks."""
    language = _language(request)
    back = HttpResponseRedirect(f"{reverse('branding:letter', args=[kind])}?language={language}")
    actor = actor_of(request)
    made = letter_to_try(actor=actor, code=kind, language=language)
    try:
        made.send()
        text = gettext("On its way to %(address)s.") % {"address": made.to}
    except ExternalServiceError as error:
        text = error.message
    with atomic():
        return toast(request, back, text)


def _language(request: HttpRequest) -> str:
    language = request.POST.get("language") or request.GET.get("language") or current_tenant().language
    return language if language in dict(settings.LANGUAGES) else settings.LANGUAGE_CODE


def _languages(language: str) -> dict[str, Any]:
    return {"language": language, "languages": settings.LANGUAGES}


def _page(request: HttpRequest, now: LetterInWords, form: LetterForm, *, status: int = 200) -> HttpResponse:
    names = [(f"{{{{ {each.name} }}}}", each) for each in now.kind.variables]
    context = {"letter": now, "form": form, "names": names, **_languages(now.language)}
    return render(request, "branding/letter.html", context, status=status)
