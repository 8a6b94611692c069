"""Writing letters in a sender's dress, and sending them: plain text and HTML that every mail program can draw."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from email.utils import formataddr, parseaddr
from smtplib import SMTPException
from typing import Protocol

import structlog
from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.utils import formats, timezone, translation

from tenants.foundation.errors import ExternalServiceError
from tenants.foundation.letters.kinds import LetterKind, Text, letter_kind
from tenants.foundation.letters.placeholders import Paragraph, filled, is_web_address, paragraphs, plain

log = structlog.get_logger(__name__)
type Fact = str | date | datetime | int | None
MOST_HEADER = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Palette:
    """Colours as `#rrggbb`: mail programs know no variables."""

    fill: str = "#5b5bd6"
    ink: str = "#ffffff"
    link: str = "#4f4fc4"


@dataclass(frozen=True, slots=True)
class FooterLink:
    """A link below a letter."""

    label: Text
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Dress:
    """In whose name letters go out. ``name`` empty: the platform's own, with the sender of ``DEFAULT_FROM_EMAIL``."""

    name: str = ""
    sender_name: str = ""
    reply_to: str = ""
    logo_url: str = ""
    logo_width: int = 0
    logo_height: int = 0
    home_url: str = ""
    palette: Palette = field(default_factory=Palette)
    links: tuple[FooterLink, ...] = ()


@dataclass(frozen=True, slots=True)
class OwnText:
    """What a company wrote instead of the product's text."""

    subject: str
    body: str


class Dresser(Protocol):
    """Knows the dress and the own texts of the company whose scope is open; it may read the database."""

    def dress(self) -> Dress:
        """How this company's letters look."""
        ...

    def own_text(self, kind: str, language: str) -> OwnText | None:
        """The company's text for a kind in a language, if it wrote one."""
        ...

    def carrier(self) -> "Carrier | None":
        """Who takes this company's letters; None: the platform's mail server alone."""
        ...


@dataclass(frozen=True, slots=True)
class Enclosure:
    """A file that goes with a letter."""

    name: str
    content: str | bytes
    media_type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A letter ready to be sent: nothing in it is looked up any more."""

    kind: str
    to: str
    sender: str
    reply_to: str
    subject: str
    text: str
    html: str
    enclosures: tuple[Enclosure, ...] = ()
    is_urgent: bool = False
    carrier: "Carrier | None" = None

    def message(self, *, address: str = "") -> EmailMultiAlternatives:
        """The letter as mail programs read it; from another ``address`` than the platform's, under the same name."""
        sender = formataddr((parseaddr(self.sender)[0], address)) if address else self.sender
        message = EmailMultiAlternatives(
            self.subject, self.text, sender, [self.to],
            reply_to=[self.reply_to] if self.reply_to else None, headers={"Auto-Submitted": "auto-generated"},
        )  # fmt: skip
        message.attach_alternative(self.html, "text/html")
        for enclosure in self.enclosures:
            message.attach(enclosure.name, enclosure.content, enclosure.media_type)
        return message

    def send(self) -> None:
        """Hand it to a mail server; never inside a transaction. Raises: ExternalServiceError."""
        if self.carrier is not None and self.carrier.carry(self):
            return
        try:
            self.message().send()
        except (SMTPException, OSError) as error:
            raise ExternalServiceError(
                "The mail server did not take a letter.", service="mail", is_transient=True
            ) from error
        log.info("letter.sent", kind=self.kind)


class Carrier(Protocol):
    """Takes the letters of one company to a mail server of its own."""

    def carry(self, letter: Letter) -> bool:
        """Whether it is gone; False: the platform's server is to take it.

        Raises: ExternalServiceError where the letter is better tried again.
        """
        ...


_dressers: list[Dresser] = []


def use_dresser(dresser: Dresser) -> None:
    """Plug in who knows how companies' letters look; called once, when the application starts."""
    _dressers[:] = [dresser]


def write_letter(
    kind: str,
    *,
    to: str,
    facts: Mapping[str, Fact],
    language: str = "",
    enclosures: Sequence[Enclosure] = (),
) -> Letter:
    """Write a letter in the name of the company whose scope is open; `facts` are the values of the kind's variables.

    Times are written in the language's way and in the present time zone. Raises: NotFound for an unknown kind,
    ValueError for a missing required value or a link that is none.
    """
    found = letter_kind(kind)
    dresser = _dressers[0] if _dressers else None
    language = language or translation.get_language() or settings.LANGUAGE_CODE
    dress = dresser.dress() if dresser else Dress()
    is_companys = dresser is not None and found.audience == "company"
    own = dresser.own_text(kind, language) if dresser and is_companys else None
    letter = composed(
        found, to=to, facts=facts, language=language, dress=dress, own=own, enclosures=enclosures
    )
    if dresser is None or not is_companys or found.guards:
        return letter
    return replace(letter, carrier=dresser.carrier())


def composed(
    kind: LetterKind,
    *,
    to: str,
    facts: Mapping[str, Fact],
    language: str,
    dress: Dress,
    own: OwnText | None = None,
    enclosures: Sequence[Enclosure] = (),
) -> Letter:
    """The same with everything given: previews show texts and dresses that are not in use yet."""
    with translation.override(language):
        values = _values(kind, facts)
        subject = filled(own.subject if own else str(kind.subject), values)
        shown = tuple(paragraphs(own.body if own else str(kind.body), kind, values))
        page = {
            "dress": dress, "paragraphs": shown, "button": kind.button, "subject": header(subject),
            "language": language, "preview": _opening(shown),
        }  # fmt: skip
        html = render_to_string("letters/letter.html", page)
        text = re.sub(r"\n{3,}", "\n\n", render_to_string("letters/letter.txt", page)).strip() + "\n"
    return Letter(
        kind=kind.code, to=to, sender=sender_of(dress), reply_to=header(dress.reply_to), subject=header(subject),
        text=text, html=html, enclosures=tuple(enclosures), is_urgent=kind.is_urgent,
    )  # fmt: skip


def send_letter(
    kind: str,
    *,
    to: str,
    facts: Mapping[str, Fact],
    language: str = "",
    enclosures: Sequence[Enclosure] = (),
) -> None:
    """Write a letter and send it; outside a transaction. Raises: what `write_letter` does, ExternalServiceError."""
    write_letter(kind, to=to, facts=facts, language=language, enclosures=enclosures).send()


def sender_of(dress: Dress) -> str:
    """The From line: the company's name at the platform's own address, which is the one that passes SPF and DKIM."""
    own_name, address = parseaddr(settings.DEFAULT_FROM_EMAIL)
    return formataddr((header(dress.sender_name or dress.name or own_name), address))


def header(value: str) -> str:
    """A value as a header may hold it: one line, nothing unseen, not without end."""
    return plain(value)[:MOST_HEADER]


def _values(kind: LetterKind, facts: Mapping[str, Fact]) -> dict[str, str]:
    values = {}
    for variable in kind.variables:
        value = _written(facts.get(variable.name))
        if variable.is_link and value and not is_web_address(value):
            raise ValueError(f"{variable.name} of the letter {kind.code} is no web address.")
        if variable.is_required and not value:
            raise ValueError(f"The letter {kind.code} needs {variable.name}.")
        values[variable.name] = value if variable.is_link else plain(value)
    return values


def _written(value: Fact) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        local = timezone.localtime(value) if timezone.is_aware(value) else value
        return str(formats.date_format(local, "DATETIME_FORMAT"))
    return str(formats.date_format(value, "DATE_FORMAT")) if isinstance(value, date) else str(value)


def _opening(shown: Sequence[Paragraph]) -> str:
    """The first words, which mail programs show beside the subject."""
    first = next((each for each in shown if not each.button_url), None)
    return " ".join("".join(piece.text for piece in line) for line in first.lines)[:140] if first else ""
