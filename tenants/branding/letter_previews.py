"""Letters to look at: with invented values, in a brand and in words that need not be in use."""

from contextlib import suppress
from dataclasses import replace

from tenants.accounts.access import Actor, UserActor, require
from tenants.branding.dressing import BrandDresser, dress_of
from tenants.branding.letter_texts import editable_kind, letter_in_words
from tenants.branding.oklch import HEX
from tenants.branding.permissions import MANAGE_BRANDING
from tenants.branding.remembering import published_brand
from tenants.branding.selectors import brand_in_work
from tenants.branding.values import checked_texts
from tenants.foundation.errors import Forbidden, InvalidInput
from tenants.foundation.letters import Letter, OwnText, checked_text
from tenants.foundation.letters.writing import composed
from tenants.tenancy import atomic, current_tenant
from tenants.tenancy.addresses import primary_address

NOBODY = "ada@example.example"


@atomic
def previewed_letter(
    *, actor: Actor, code: str, language: str, own: OwnText | None = None, color: str = "", name: str = ""
) -> Letter:
    """A letter in the draft of the brand; in `own` words that are only being tried, else in those that are saved.

    Images are addressed on the host that is asked. Raises: Forbidden, NotFound, InvalidInput (words that will not do).
    """
    require(actor, MANAGE_BRANDING)
    kind = editable_kind(code)
    brand = brand_in_work(actor=actor).newest
    if HEX.match(tried := f"#{color.lower()}"):
        brand = replace(brand, color=tried)
    if name:
        # What will not do is said by the form beside it.
        with suppress(InvalidInput):
            brand = brand.with_texts(checked_texts({"name": name}))
    if own is not None:
        own = OwnText(*checked_text(kind, subject=own.subject, body=own.body))
    else:
        saved = letter_in_words(actor=actor, code=code, language=language)
        own = OwnText(saved.subject, saved.body)
    facts = {**kind.samples, "company": brand.name}
    return composed(
        kind, to=NOBODY, facts=facts, language=language, dress=dress_of(brand, address=""), own=own
    )


@atomic
def letter_to_try(*, actor: Actor, code: str, language: str) -> Letter:
    """The saved letter with invented values, in the published brand, to the actor's own address.

    Raises: Forbidden (also for programs, which have no address), NotFound, InvalidInput.
    """
    require(actor, MANAGE_BRANDING)
    if not isinstance(actor, UserActor):
        raise Forbidden
    saved = letter_in_words(actor=actor, code=code, language=language)
    brand = published_brand(current_tenant())
    letter = composed(
        saved.kind, to=actor.user.email, facts={**saved.kind.samples, "company": brand.name}, language=language,
        dress=dress_of(brand, address=primary_address()), own=OwnText(saved.subject, saved.body),
    )  # fmt: skip
    return replace(letter, carrier=BrandDresser().carrier())
