"""What the brand tells of."""

from dataclasses import dataclass
from typing import ClassVar

from tenants.outbox.bus import DomainEvent


@dataclass(frozen=True, kw_only=True)
class BrandChanged(DomainEvent):
    """The published brand is another; ``changed`` names the parts."""

    name: ClassVar[str] = "brand.changed"

    changed: tuple[str, ...] = ()
    version: int = 0


@dataclass(frozen=True, kw_only=True)
class LetterTextChanged(DomainEvent):
    """A company wrote its own text for a letter, or took the product's again."""

    name: ClassVar[str] = "letter_text.changed"

    kind: str = ""
    language: str = ""
    is_own: bool = True


@dataclass(frozen=True, kw_only=True)
class MailServerChanged(DomainEvent):
    """What takes the company's letters: ``saved``, ``proved``, ``failing``, ``working`` or ``removed``."""

    name: ClassVar[str] = "mail_server.changed"

    what: str = ""
    host: str = ""
    from_address: str = ""
