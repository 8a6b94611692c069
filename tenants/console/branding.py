"""Branding: the company's name, images, colour, words and links, with what comes of them beside the form."""

from collections.abc import Callable
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
from django.views.decorators.csp import csp_override
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from tenants.accounts.access import UserActor, actor_of, require
from tenants.accounts.console.forms import add_domain_error
from tenants.branding import services
from tenants.branding.context import shown
from tenants.branding.contrasts import readings
from tenants.branding.drawing import ACCEPTED, MOST_BYTES, drawn_for
from tenants.branding.models import BrandImage
from tenants.branding.oklch import HEX
from tenants.branding.permissions import MANAGE_BRANDING
from tenants.branding.refusing import refused
from tenants.branding.selectors import brand_in_work
from tenants.branding.stages import BrandInWork
from tenants.branding.theme import preview_stylesheet
from tenants.branding.values import LENGTHS, LINKS, TEXTS, BrandValues, checked_texts
from tenants.foundation.console import toast
from tenants.foundation.errors import DomainError, InvalidInput
from tenants.tenancy import atomic, outside_transaction
from tenants.tenancy.addresses import primary_host

# A letter is shown in a frame, from an address of this company's own.
FRAMES_POLICY: Final = {**settings.SECURE_CSP, "frame-src": ["'self'"]}
SWATCHES: Final = ("#5b5bd6", "#ffd400", "#0f766e", "#e11d48", "#111111", "#8bd3ff")
PARTS: Final = {
    "sign_in": _("Sign-in"), "console": _("Console"), "portal": _("Portal"), "email": _("E-mail"),
}  # fmt: skip
SLOTS: Final = {
    BrandImage.Slot.LIGHT: (_("Logo"), _("For light pages and letters.")),
    BrandImage.Slot.DARK: (_("Logo for dark pages"), _("Left out, the other one is shown on white.")),
    BrandImage.Slot.MARK: (_("Mark"), _("A square, beside the name and on telephones.")),
    BrandImage.Slot.FAVICON: (_("Icon"), _("For the browser's tab; left out, the mark is used.")),
}


class BrandForm(forms.Form):
    """Everything of the brand but its images."""

    version = forms.IntegerField(widget=forms.HiddenInput)
    part = forms.ChoiceField(
        choices=PARTS.items(), initial="sign_in", widget=forms.RadioSelect, required=False
    )
    name = forms.CharField(label=_("Name"), max_length=LENGTHS["name"])
    color = forms.CharField(
        label=_("Primary colour"), max_length=7,
        widget=forms.TextInput(attrs={"class": "mono hex", "spellcheck": "false", "autocomplete": "off"}),
    )  # fmt: skip
    headline = forms.CharField(
        label=_("Headline"), max_length=LENGTHS["headline"], required=False,
        help_text=_("Beside the sign-in form. Empty: the product's words."),
    )  # fmt: skip
    words = forms.CharField(
        label=_("Words below it"), max_length=LENGTHS["words"], required=False,
        help_text=_("Such as whom to ask. Empty: the company's name."),
    )  # fmt: skip
    sender_name = forms.CharField(
        label=_("Sender of letters"), max_length=LENGTHS["sender_name"], required=False,
        help_text=_("Empty: the company's name. The address they come from is set under Sender."),
    )  # fmt: skip
    reply_to = forms.CharField(
        label=_("Answers go to"), max_length=LENGTHS["reply_to"], required=False,
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
        help_text=_("An address in a domain you have proved, or an administrator's."),
    )  # fmt: skip
    imprint_url = forms.CharField(label=_("Imprint"), max_length=300, required=False)
    privacy_url = forms.CharField(label=_("Privacy"), max_length=300, required=False)
    terms_url = forms.CharField(label=_("Terms"), max_length=300, required=False)
    support_url = forms.CharField(label=_("Help"), max_length=300, required=False)

    def links(self) -> list[forms.BoundField]:
        """The fields of the links."""
        return [self[name] for name in LINKS]

    def texts(self) -> dict[str, str]:
        """What was filled in, by the names the brand has for it."""
        return {name: str(self.cleaned_data.get(name, "")) for name in TEXTS}


@login_required
@never_cache
@csp_override(FRAMES_POLICY)
@require_http_methods(["GET", "HEAD", "POST"])
def brand(request: HttpRequest) -> HttpResponse:
    """The form with its preview; a POST previews, saves, publishes, discards or resets, as its button says."""
    actor = actor_of(request)
    now = brand_in_work(actor=actor)
    if request.method != "POST":
        return _page(request, now, _form(now))
    wish = request.POST.get("do", "save")
    if wish in WISHES:
        return _grant(request, actor, now, wish)
    filled = request.POST.copy()
    if "swatch" in filled:
        filled["color"] = str(filled["swatch"])
        wish = "preview"
    form = BrandForm(filled)
    if wish == "preview":
        return _page(request, now, form, values=_previewed(form, now))
    if form.is_valid():
        try:
            kept = services.change_draft(actor=actor, texts=form.texts(), seen=form.cleaned_data["version"])
            if wish == "publish" and kept.draft is not None:
                services.publish_draft(actor=actor, seen=kept.version)
        except DomainError as error:
            add_domain_error(form, error)
        else:
            text = (
                gettext("Published: everybody sees it now.")
                if wish == "publish"
                else gettext("The draft is saved.")
            )
            return toast(request, HttpResponseRedirect(reverse("branding:brand")), text)
    return _page(request, now, form, values=_previewed(form, now), status=422)


@login_required
@never_cache
@csp_override(FRAMES_POLICY)
@require_POST
def preview(request: HttpRequest) -> HttpResponse:
    """The preview alone, of what stands in the form now; nothing is saved."""
    now = brand_in_work(actor=actor_of(request))
    form = BrandForm(request.POST)
    return render(request, "branding/brand.html#live", _context(now, form, _previewed(form, now)))


@login_required
@outside_transaction
@csp_override(FRAMES_POLICY)
@require_POST
def image(request: HttpRequest, slot: str) -> HttpResponse:
    """Put an image into the draft, or take it out."""
    actor = actor_of(request)
    with atomic():
        require(actor, MANAGE_BRANDING)
    try:
        if request.POST.get("do") == "remove":
            services.remove_image(actor=actor, slot=slot)
            text = gettext("Taken out of the draft.")
        else:
            services.set_image(
                actor=actor, slot=slot, image=drawn_for(_known_slot(slot), *_uploaded(request))
            )
            text = gettext("In the draft: publish to show it to everybody.")
    except InvalidInput as error:
        with atomic():
            now = brand_in_work(actor=actor)
            context = {"image_problem": error.message, "problem_slot": slot}
            return _page(request, now, _form(now), status=422, more=context)
    with atomic():
        return toast(request, HttpResponseRedirect(reverse("branding:brand") + "#images"), text)


@login_required
@require_safe
def preview_styles(request: HttpRequest) -> HttpResponse:
    """The tokens of a colour that is only being tried, for the preview's own corner of the page."""
    require(actor_of(request), MANAGE_BRANDING)
    color = f"#{request.GET.get('color', '').lower()}"
    if not HEX.match(color):
        raise InvalidInput(fields={"color": ["Write a colour like 5b5bd6."]})
    response = HttpResponse(preview_stylesheet(color), content_type="text/css; charset=utf-8")
    response.headers["Cache-Control"] = "private, max-age=3600"
    return response


def _grant(request: HttpRequest, actor: UserActor, now: BrandInWork, wish: str) -> HttpResponse:
    act, text = WISHES[wish]
    seen = request.POST.get("version", "")
    try:
        act(actor=actor, seen=int(seen) if seen.isdecimal() else None)
    except DomainError as error:
        form = _form(brand_in_work(actor=actor))
        return _page(request, now, form, status=422, more={"problem": error.message})
    return toast(request, HttpResponseRedirect(reverse("branding:brand")), str(text))


WISHES: Final[dict[str, tuple[Callable[..., object], Any]]] = {
    "discard": (services.discard_draft, _("The draft is gone; what is published stays.")),
    "reset": (services.reset_draft, _("The draft looks like a new company. Publish it to go back for good.")),
}


def _known_slot(slot: str) -> str:
    if slot not in SLOTS:
        raise refused("There is no such image.", "slot")
    return slot


def _uploaded(request: HttpRequest) -> tuple[bytes]:
    """The file that was sent; the type a browser says goes by the file's name and is not asked."""
    file = request.FILES.get("image")
    if file is None:
        raise refused("Choose a file first.", "missing")
    if (file.size or 0) > MOST_BYTES:
        raise refused("At most 1 MB.", "too_large")
    return (file.read(),)


def _form(now: BrandInWork) -> BrandForm:
    return BrandForm(initial={**now.newest.texts, "version": now.version, "part": "sign_in"})


def _previewed(form: BrandForm, now: BrandInWork) -> BrandValues:
    """What the form says where that will do, else what there is."""
    form.is_valid()
    values = now.newest
    for name in TEXTS:
        text = str(form.cleaned_data.get(name, "")) if name in form.cleaned_data else ""
        if name not in form.cleaned_data:
            continue
        try:
            values = values.with_texts(checked_texts({name: text}))
        except InvalidInput as error:
            add_domain_error(form, error)
    return values


def _context(now: BrandInWork, form: BrandForm, values: BrandValues) -> dict[str, Any]:
    part = form.data.get("part", "sign_in") if form.is_bound else "sign_in"
    measured = readings(values.color)
    return {
        "form": form,
        "now": now,
        "preview": shown(values),
        "part": part if part in PARTS else "sign_in",
        "parts": PARTS.items(),
        "modes": [(mode, [each for each in measured if each.mode == mode]) for mode in ("light", "dark")],
        "is_readable": all(each.is_enough for each in measured),
        "color": values.color.removeprefix("#"),
        "host": primary_host(),
        "swatches": SWATCHES,
    }


def _page(
    request: HttpRequest,
    now: BrandInWork,
    form: BrandForm,
    *,
    values: BrandValues | None = None,
    status: int = 200,
    more: dict[str, Any] | None = None,
) -> HttpResponse:
    values = values or now.newest
    context = _context(now, form, values) | {
        "slots": [
            (slot, label, text, now.newest.images.get(slot)) for slot, (label, text) in SLOTS.items()
        ],
        "accepted": ",".join(ACCEPTED),
    }  # fmt: skip
    return render(request, "branding/brand.html", context | (more or {}), status=status)
