"""The letters in a company's own words."""

from dataclasses import dataclass

import structlog
from django.conf import settings
from django.utils import translation

from tenants.accounts.access import Actor, require
from tenants.branding.events import LetterTextChanged
from tenants.branding.models import LetterText
from tenants.branding.permissions import MANAGE_BRANDING
from tenants.foundation.errors import InvalidInput, NotFound
from tenants.foundation.letters import LetterKind, OwnText, checked_text, letter_kind, letter_kinds
from tenants.outbox.bus import publish
from tenants.tenancy import atomic

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class LetterInWords:
    """A letter in one language: the words it goes out with, and whether they are the company's own."""

    kind: LetterKind
    language: str
    subject: str
    body: str
    is_own: bool
    changed_by: str = ""


@atomic
def letters_in_words(*, actor: Actor | None, language: str) -> list[LetterInWords]:
    """Every letter a company can write itself. Raises: Forbidden, InvalidInput (no such language)."""
    require(actor, MANAGE_BRANDING)
    _check_language(language)
    own = {row.kind: row for row in LetterText.objects.filter(language=language)}
    return [_in_words(kind, language, own.get(kind.code)) for kind in letter_kinds("company")]


@atomic
def letter_in_words(*, actor: Actor | None, code: str, language: str) -> LetterInWords:
    """One letter. Raises: Forbidden, NotFound, InvalidInput (no such language)."""
    require(actor, MANAGE_BRANDING)
    kind = editable_kind(code)
    _check_language(language)
    return _in_words(kind, language, LetterText.objects.filter(kind=code, language=language).first())


@atomic
def write_letter_text(*, actor: Actor, code: str, language: str, subject: str, body: str) -> LetterInWords:
    """Save a company's own words; the next letter has them. Raises: Forbidden, NotFound, InvalidInput."""
    require(actor, MANAGE_BRANDING)
    kind = editable_kind(code)
    _check_language(language)
    subject, body = checked_text(kind, subject=subject, body=body)
    row, _ = LetterText.objects.update_or_create(
        kind=code,
        language=language,
        defaults={"subject": subject, "body": body, "changed_by": actor.name[:200]},
    )
    publish(LetterTextChanged(kind=code, language=language))
    log.info("letter_text.changed", kind=code, language=language)
    return _in_words(kind, language, row)


@atomic
def reset_letter_text(*, actor: Actor, code: str, language: str) -> LetterInWords:
    """Take the product's words again. Raises: Forbidden, NotFound, InvalidInput."""
    require(actor, MANAGE_BRANDING)
    kind = editable_kind(code)
    _check_language(language)
    deleted, _ = LetterText.objects.filter(kind=code, language=language).delete()
    if deleted:
        publish(LetterTextChanged(kind=code, language=language, is_own=False))
        log.info("letter_text.reset", kind=code, language=language)
    return _in_words(kind, language, None)


def editable_kind(code: str) -> LetterKind:
    """A letter that companies can write. Raises: NotFound, also for the platform's own."""
    kind = letter_kind(code)
    if kind.audience != "company":
        raise NotFound("There is no such letter.", code="not_found.letter_kind")
    return kind


def own_text(code: str, language: str) -> OwnText | None:
    """A company's own words, if it has any; one query."""
    row = LetterText.objects.filter(kind=code, language=language).values_list("subject", "body").first()
    return OwnText(*row) if row else None


def _in_words(kind: LetterKind, language: str, row: LetterText | None) -> LetterInWords:
    if row is not None:
        return LetterInWords(
            kind=kind,
            language=language,
            subject=row.subject,
            body=row.body,
            is_own=True,
            changed_by=row.changed_by,
        )
    with translation.override(language):
        return LetterInWords(
            kind=kind, language=language, subject=str(kind.subject), body=str(kind.body), is_own=False
        )


def _check_language(language: str) -> None:
    if language not in dict(settings.LANGUAGES):
        known = ", ".join(code for code, _ in settings.LANGUAGES)
        sentence = f"There are letters in {known}."
        raise InvalidInput(sentence, code="invalid_input.language", fields={"language": [sentence]})
