"""One brand colour in, the console's tokens out, each with its contrast kept in light and dark."""

import hashlib
from collections.abc import Sequence
from functools import lru_cache

from django.urls import NoReverseMatch, reverse

from tenants.branding.oklch import Oklch, contrast, to_hex, to_oklch
from tenants.tenancy import TenantRef

WHITE = "#ffffff"
# The softer ink first; black is right for every colour that is too light for white.
INKS = (WHITE, "#14120b", "#000000")
TEXT_CONTRAST, FILL_CONTRAST, RING_CONTRAST = 4.7, 4.5, 3.1
GREY_BELOW_CHROMA = 0.03
LIGHTNESS_STEP = 0.005
# On dark pages black and dark greys turn over: lifted just enough they would look like something switched off.
TURNED_GREY = 0.9
# The lightness of the console's own surfaces that text and rings stand on (`tokens.css`), hardest first.
LIGHT_SURFACES = (0.926, 0.952, 0.973, 1.0)
DARK_SURFACES = (0.28, 0.245, 0.225, 0.155)


def readable_on(fill: str) -> str:
    """White where that can be read on `fill`, else a near-black, else black."""
    return next((ink for ink in INKS if contrast(ink, fill) >= FILL_CONTRAST), INKS[-1])


def walked(start: Oklch, grounds: Sequence[str], target: float, step: float) -> str:
    """The first colour from `start` on, by `step` of lightness, that has `target` contrast on all grounds."""
    lightness = start.lightness
    while True:
        color = to_hex(min(max(lightness, 0.0), 1.0), start.chroma, start.hue)
        if min(contrast(color, ground) for ground in grounds) >= target or not 0.0 < lightness < 1.0:
            return color
        lightness += step


def tokens(brand: str) -> dict[str, str]:
    """The custom properties of one brand: colours as hex, the surfaces' hue in degrees and their chroma.

    Raises: ValueError when `brand` is not `#rrggbb` in lower case.
    """
    base = to_oklch(brand)
    is_grey = base.chroma < GREY_BELOW_CHROMA
    soft_light = to_hex(0.955, min(base.chroma * 0.25, 0.03), base.hue)
    soft_dark = to_hex(0.30, min(base.chroma * 0.4, 0.06), base.hue)
    turned = TURNED_GREY if is_grey and base.lightness < 0.58 else base.lightness
    fill_dark = to_hex(max(turned, 0.58), base.chroma, base.hue)
    light_grounds = (*(to_hex(each, 0, 0) for each in LIGHT_SURFACES), soft_light)
    dark_grounds = (*(to_hex(each, 0, 0) for each in DARK_SURFACES), soft_dark)
    text_light = Oklch(min(base.lightness, 0.60), base.chroma, base.hue)
    text_dark = Oklch(max(turned, 0.68), min(base.chroma, 0.16), base.hue)
    ring_light = Oklch(min(base.lightness, 0.65), base.chroma, base.hue)
    ring_dark = Oklch(max(turned, 0.62), base.chroma, base.hue)
    return {
        "brand-l": brand,
        "brand-ink-l": readable_on(brand),
        "brand-hover-l": _hovered(brand),
        "brand-soft-l": soft_light,
        "brand-text-l": walked(text_light, light_grounds, TEXT_CONTRAST, -LIGHTNESS_STEP),
        "ring-l": walked(ring_light, light_grounds, RING_CONTRAST, -LIGHTNESS_STEP),
        "brand-d": fill_dark,
        "brand-ink-d": readable_on(fill_dark),
        "brand-hover-d": _hovered(fill_dark),
        "brand-soft-d": soft_dark,
        "brand-text-d": walked(text_dark, dark_grounds, TEXT_CONTRAST, LIGHTNESS_STEP),
        "ring-d": walked(ring_dark, dark_grounds, RING_CONTRAST, LIGHTNESS_STEP),
        "hue": "0" if is_grey else f"{base.hue:.0f}",
        "nc": "0" if is_grey else "0.006",
    }


def _hovered(fill: str) -> str:
    """A fill under the pointer: away from its ink, so that it is read no worse."""
    base = to_oklch(fill)
    shift = -0.045 if readable_on(fill) == WHITE else 0.045
    moved = to_hex(min(max(base.lightness + shift, 0.0), 1.0), base.chroma, base.hue)
    return moved if contrast(moved, readable_on(fill)) >= FILL_CONTRAST else fill


@lru_cache(maxsize=1024)
def stylesheet(brand: str) -> str:
    """The tokens as a style sheet, in the layer that stands after the console's own defaults."""
    body = "".join(f"--{name}:{value};" for name, value in tokens(brand).items())
    return f"@layer tenant{{:root{{{body}}}}}\n"


@lru_cache(maxsize=1024)
def digest(brand: str) -> str:
    """Twelve hex digits that change when the style sheet does."""
    return hashlib.sha256(stylesheet(brand).encode()).hexdigest()[:12]


def theme_address(tenant: TenantRef) -> str:
    """Where a company's style sheet is; empty where the route is not mounted."""
    try:
        return reverse("theme", kwargs={"slug": tenant.slug, "digest": digest(tenant.brand_color)})
    except NoReverseMatch:
        return ""


# What `tokens.css` makes of the brand's values; in a corner of the page it has to be made anew.
DERIVED = {
    "brand": ("brand-l", "brand-d"), "brand-ink": ("brand-ink-l", "brand-ink-d"),
    "brand-hover": ("brand-hover-l", "brand-hover-d"), "brand-soft": ("brand-soft-l", "brand-soft-d"),
    "brand-text": ("brand-text-l", "brand-text-d"), "brand-bar": ("ring-l", "brand-d"), "ring": ("ring-l", "ring-d"),
    "art": ("brand-l", "brand-l"), "art-ink": ("brand-ink-l", "brand-ink-l"),
}  # fmt: skip


@lru_cache(maxsize=256)
def preview_stylesheet(brand: str) -> str:
    """The same for the parts of a page that show a colour nobody has published, in light or in dark."""
    made = tokens(brand)
    body = "".join(
        f"--{name}:light-dark({made[light]},{made[dark]});" for name, (light, dark) in DERIVED.items()
    )
    return f"@layer tenant{{.brand-preview{{{body}}}}}\n"
