"""What every page knows of the brand, looked up only where a page shows it."""

from dataclasses import dataclass, field
from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from tenants.branding.dressing import image_address, legal_links
from tenants.branding.mail_servers.warnings import mail_server_failing
from tenants.branding.remembering import published_brand
from tenants.branding.theme import tokens
from tenants.branding.values import BrandValues
from tenants.foundation.letters import FooterLink
from tenants.tenancy import TenantRef

LOGO_HEIGHT, LOGO_WIDTH = 40, 240


@dataclass(frozen=True, slots=True)
class ShownLogo:
    """An image as a page shows it: address, and width and height in pixels so that nothing jumps."""

    url: str
    width: int
    height: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownBrand:
    """A brand as pages show it. Without a logo its mark is shown, without a mark the first letter of its name."""

    name: str
    headline: str = ""
    words: str = ""
    logo_light: ShownLogo | None = None
    logo_dark: ShownLogo | None = None
    lacks_logo: str = ""
    """`light` or `dark` where one of the two logos stands in for the other, else empty."""
    mark: ShownLogo | None = None
    favicon_url: str = ""
    touch_icon_url: str = ""
    links: tuple[FooterLink, ...] = ()
    theme_light: str = ""
    theme_dark: str = ""
    values: BrandValues = field(repr=False)


def shown(brand: BrandValues) -> ShownBrand:
    """A brand as pages show it."""
    made = tokens(brand.color)
    light, dark = _logo(brand, "light"), _logo(brand, "dark")
    mark, favicon = brand.images.get("mark"), brand.images.get("favicon") or brand.images.get("mark")
    return ShownBrand(
        name=brand.name,
        headline=brand.headline,
        words=brand.words,
        # One of the two serves both where there is no other.
        logo_light=light or dark,
        logo_dark=dark or light,
        lacks_logo="" if bool(light) == bool(dark) else "dark" if light else "light",
        mark=ShownLogo(image_address(mark), *mark.fitting(44, most_width=44)) if mark else None,
        favicon_url=image_address(favicon, "half") if favicon else "",
        touch_icon_url=image_address(favicon) if favicon else "",
        links=legal_links(brand),
        theme_light=made["brand-l"],
        theme_dark=made["brand-soft-d"],
        values=brand,
    )


def brand_context(request: HttpRequest) -> dict[str, Any]:
    """Context processor of every page."""
    tenant: TenantRef | None = getattr(request, "tenant", None)
    if tenant is None:
        return {"brand": None, "mail_server_failing": ""}
    return {
        "brand": SimpleLazyObject(lambda: shown(published_brand(tenant))),
        "mail_server_failing": SimpleLazyObject(lambda: mail_server_failing(request)),
    }


def _logo(brand: BrandValues, slot: str) -> ShownLogo | None:
    image = brand.images.get(slot)
    if image is None:
        return None
    return ShownLogo(image_address(image), *image.fitting(LOGO_HEIGHT, most_width=LOGO_WIDTH))
