"""The kinds of letters there are, each with its text and the values it can name."""

import re
from dataclasses import dataclass
from typing import Literal

from django.utils.functional import Promise

from tenants.foundation.errors import NotFound

type Text = str | Promise
type Audience = Literal["company", "platform"]
CODE = re.compile(r"[a-z][a-z0-9_]{1,39}\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """A value a letter can name as ``{{ name }}``.

    A letter whose text leaves out a required one is refused: it would be of no use. Links are drawn as links, and as a
    button where one stands alone in its paragraph. ``sample`` is what previews and test letters show.
    """

    name: str
    meaning: Text
    sample: Text
    is_required: bool = False
    is_link: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LetterKind:
    """One kind of letter. ``subject`` and ``body`` are plain text with ``{{ name }}`` in it, lazily translated.

    Paragraphs are parted by an empty line; a paragraph with a value that turns out empty is left out. ``button`` is
    written on the button of a link. A company may write its own text unless ``audience`` is the platform. Somebody sits
    and waits for an ``is_urgent`` one (a link or code that lets them in): it waits for no mail server of a company's.
    One that ``guards`` the company never goes by its own server at all: whoever chose that one could read how owners
    come in, or keep back the warning about what they are just doing.
    """

    code: str
    title: Text
    description: Text
    subject: Text
    body: Text
    variables: tuple[Variable, ...] = ()
    button: Text = ""
    audience: Audience = "company"
    is_urgent: bool = False
    guards: bool = False

    def __post_init__(self) -> None:
        if not CODE.match(self.code):
            raise ValueError(f"{self.code!r} is not a letter's code.")

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the values, in the order in which they are offered."""
        return tuple(variable.name for variable in self.variables)

    @property
    def samples(self) -> dict[str, str]:
        """An invented value for each name."""
        return {variable.name: str(variable.sample) for variable in self.variables}


_kinds: dict[str, LetterKind] = {}


def register_letter(*kinds: LetterKind) -> None:
    """Make letters known; called from an app's ``ready()``, safe to repeat."""
    for kind in kinds:
        _kinds[kind.code] = kind


def letter_kind(code: str) -> LetterKind:
    """The kind with this code. Raises: NotFound."""
    try:
        return _kinds[code]
    except KeyError:
        raise NotFound("There is no such letter.", code="not_found.letter_kind") from None


def letter_kinds(audience: Audience = "company") -> tuple[LetterKind, ...]:
    """Every kind for this audience, by code."""
    return tuple(kind for _, kind in sorted(_kinds.items()) if kind.audience == audience)
