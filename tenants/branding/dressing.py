"""How a company's letters look: the published brand as a letter's dress."""

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from tenants.branding.letter_texts import own_text
from tenants.branding.mail_servers.carrying import CompanyCarrier
from tenants.branding.remembering import published_brand
from tenants.branding.theme import tokens
from tenants.branding.values import BrandValues, ShownImage
from tenants.foundation.letters import Carrier, Dress, FooterLink, OwnText, Palette
from tenants.foundation.platform import PLATFORM_SLUG
from tenants.tenancy import atomic, current_tenant_or_none
from tenants.tenancy.addresses import primary_address

LINK_LABELS = {
    "imprint_url": _("Imprint"), "privacy_url": _("Privacy"), "terms_url": _("Terms"), "support_url": _("Help"),
}  # fmt: skip
LOGO_HEIGHT, LOGO_WIDTH = 40, 240


class BrandDresser:
    """Knows the brand of the company whose scope is open; the platform's letters go out in its own plain dress."""

    def dress(self) -> Dress:
        """How this company's letters look."""
        tenant = current_tenant_or_none()
        if tenant is None or tenant.slug == PLATFORM_SLUG:
            return Dress()
        return dress_of(published_brand(tenant), address=primary_address())

    def own_text(self, kind: str, language: str) -> OwnText | None:
        """The company's text for a kind in a language, if it wrote one."""
        if current_tenant_or_none() is None:
            return None
        with atomic(savepoint=False):
            return own_text(kind, language)

    def carrier(self) -> Carrier | None:
        """Who takes this company's letters."""
        tenant = current_tenant_or_none()
        return None if tenant is None or tenant.slug == PLATFORM_SLUG else CompanyCarrier(tenant)


def dress_of(brand: BrandValues, *, address: str) -> Dress:
    """A brand as a letter's dress; `address` is the scheme and host at which mail programs find the logo."""
    made = tokens(brand.color)
    logo = brand.images.get("light")
    width, height = logo.fitting(LOGO_HEIGHT, most_width=LOGO_WIDTH) if logo else (0, 0)
    return Dress(
        name=brand.name,
        sender_name=brand.sender_name,
        reply_to=brand.reply_to,
        logo_url=f"{address}{image_address(logo)}" if logo else "",
        logo_width=width,
        logo_height=height,
        home_url=address,
        palette=Palette(fill=made["brand-l"], ink=made["brand-ink-l"], link=made["brand-text-l"]),
        links=legal_links(brand),
    )


def legal_links(brand: BrandValues) -> tuple[FooterLink, ...]:
    """The links below pages and letters, those that are set."""
    return tuple(
        FooterLink(label, getattr(brand, name)) for name, label in LINK_LABELS.items() if getattr(brand, name)
    )


def image_address(image: ShownImage, size: str = "full") -> str:
    """Where an image is served; another content has another address."""
    return reverse("brand_image", kwargs={"digest": image.digest, "size": size})
