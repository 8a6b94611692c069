"""What a brand says, as values; and what may be said."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Final, cast
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from tenants.branding.models import Brand
from tenants.branding.oklch import HEX
from tenants.foundation.errors import InvalidInput
from tenants.foundation.seen_text import UNSEEN
from tenants.tenancy import TenantRef

DEFAULT_COLOR: Final = "#5b5bd6"
LINKS: Final = ("imprint_url", "privacy_url", "terms_url", "support_url")
LENGTHS: Final[Mapping[str, int]] = {
    "name": 80, "headline": 120, "words": 300, "sender_name": 80, "reply_to": 254, **dict.fromkeys(LINKS, 300),
}  # fmt: skip
# Two of the characters nobody sees join letters in some scripts; a name needs neither.
ADDRESS_LIKE: Final = re.compile(r"[@<>\"\\]|://")


@dataclass(frozen=True, slots=True)
class ShownImage:
    """An image of the brand: where it is kept (`digest`), and width and height of each size."""

    digest: str
    sizes: Mapping[str, tuple[int, int]]

    def fitting(self, height: int, *, most_width: int) -> tuple[int, int]:
        """Width and height at which it is shown within these bounds, in pixels."""
        width_now, height_now = self.sizes["full"]
        scale = min(height / height_now, most_width / width_now, 1.0)
        return max(1, round(width_now * scale)), max(1, round(height_now * scale))


@dataclass(frozen=True, slots=True, kw_only=True)
class BrandValues:
    """A brand. What is empty falls back to the name, the colour and the product's words."""

    name: str
    color: str = DEFAULT_COLOR
    headline: str = ""
    words: str = ""
    sender_name: str = ""
    reply_to: str = ""
    imprint_url: str = ""
    privacy_url: str = ""
    terms_url: str = ""
    support_url: str = ""
    images: Mapping[str, ShownImage] = field(default_factory=dict)

    @property
    def texts(self) -> dict[str, str]:
        """Everything but the images, by field."""
        return {name: getattr(self, name) for name in TEXTS}

    def with_texts(self, texts: Mapping[str, str]) -> "BrandValues":
        """The same brand with other texts."""
        return replace(self, **cast("dict[str, Any]", dict(texts)))

    def differing_from(self, other: "BrandValues") -> tuple[str, ...]:
        """The names of the parts that differ."""
        return tuple(each for each in (*TEXTS, "images") if getattr(self, each) != getattr(other, each))


TEXTS: Final = tuple(each.name for each in fields(BrandValues) if each.name != "images")


def values_of(row: Brand) -> BrandValues:
    """The values of a stored brand."""
    return BrandValues(**{name: getattr(row, name) for name in TEXTS}, images=images_from(row.images))


def values_as_made(tenant: TenantRef) -> BrandValues:
    """The brand of a company that has published none."""
    return BrandValues(name=tenant.name, color=tenant.brand_color)


def images_from(stored: Mapping[str, Any]) -> dict[str, ShownImage]:
    """The images from their stored form."""
    return {
        slot: ShownImage(each["digest"], {name: (size[0], size[1]) for name, size in each["sizes"].items()})
        for slot, each in stored.items()
    }


def images_stored(images: Mapping[str, ShownImage]) -> dict[str, Any]:
    """The images in the form in which they are stored."""
    return {
        slot: {"digest": each.digest, "sizes": {name: list(size) for name, size in each.sizes.items()}}
        for slot, each in images.items()
    }


def checked_texts(given: Mapping[str, str]) -> dict[str, str]:
    """The given fields, tidied. Raises: InvalidInput with a sentence for each field that will not do."""
    tidied: dict[str, str] = {}
    wrong: dict[str, list[str]] = {}
    for name, value in given.items():
        if name not in TEXTS:
            wrong[name] = ["There is no such part of a brand."]
            continue
        text = unicodedata.normalize("NFC", str(value)).strip()
        if name == "color":
            text = text.lower()
        tidied[name] = text
        if sentence := _wrong_with(name, text):
            wrong[name] = [sentence]
    if wrong:
        raise InvalidInput(fields=wrong)
    return tidied


def _wrong_with(name: str, text: str) -> str:
    if name == "color":
        return "" if HEX.match(text) else "Write a colour like #5b5bd6."
    if len(text) > LENGTHS[name]:
        return f"At most {LENGTHS[name]} characters."
    if any(unicodedata.category(each) in UNSEEN for each in text):
        return "There are characters in it that cannot be seen, or line breaks."
    if name == "name" and not any(unicodedata.category(each)[0] in "LNS" for each in text):
        return "The company needs a name."
    if name in ("name", "sender_name") and ADDRESS_LIKE.search(text):
        return "A name holds no addresses, quotation marks or angle brackets."
    if name == "reply_to" and text:
        return _wrong_with_address(text)
    return _wrong_with_link(text) if name in LINKS and text else ""


def _wrong_with_address(text: str) -> str:
    try:
        validate_email(text)
    except ValidationError:
        return "Write an e-mail address."
    return ""


def _wrong_with_link(text: str) -> str:
    sentence = "Write a whole address that begins with https://."
    if re.search(r"[\s\"'<>\\`{}|^]", text):
        return sentence
    try:
        parts = urlsplit(text)
        is_plain = parts.scheme == "https" and not parts.username and not parts.password and parts.port != 0
    except ValueError:
        return sentence
    host = parts.hostname or ""
    is_host = re.fullmatch(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]", host)
    return "" if is_plain and is_host and "@" not in parts.netloc else sentence
