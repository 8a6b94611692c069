"""What becomes of a text when both sides are known: who changed it, what both have now, or a conflict; pure."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from integrations.capabilities import BodyLanguage
from integrations.sync.body_merge import merged


class Verdict(StrEnum):
    """Which side's text counts."""

    SAME = "same"
    TAKE = "take"
    KEEP = "keep"
    MERGE = "merge"
    CONFLICT = "conflict"


@dataclass(frozen=True, slots=True)
class Decision:
    """The verdict and the text both sides shall have; `text` is the local one while they disagree."""

    verdict: Verdict
    text: str


@dataclass(frozen=True, slots=True)
class Sides:
    """A text here and there, and as both had it last; `base` is None while nobody knows.

    `sending` is what was being written there when somebody was last seen at it. `is_untouched` says that nobody edited
    the task since its text was last read from there.
    """

    base: str | None
    local: str
    remote: str
    sending: str | None = None
    is_untouched: bool = False


class PlainLanguage:
    """For connectors that only read: text is text, and an empty line ends a section."""

    def normal(self, markdown: str) -> str:
        return markdown.strip()

    def sections(self, markdown: str) -> list[str]:
        return [part for part in markdown.split("\n\n") if part.strip()]

    def joined(self, sections: Sequence[str]) -> str:
        return "\n\n".join(sections)

    def beginning(self, markdown: str) -> str:
        return markdown


class _Hashable(Protocol):
    def normal(self, markdown: str) -> str: ...


def hash_of(language: _Hashable, text: str) -> str:
    """The hash of a text's normal form: two texts that mean the same there have the same."""
    return hash_of_normal(language.normal(text))


def hash_of_normal(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def decide(language: BodyLanguage, sides: Sides) -> Decision:
    """Compare the three texts in their normal forms, and merge them where both sides changed theirs."""
    local, remote = language.normal(sides.local), language.normal(sides.remote)
    if local == remote:
        return Decision(Verdict.SAME, sides.local)
    if sides.sending is not None and _is_half_written(language, sides, remote):
        return Decision(Verdict.KEEP, sides.local)
    if sides.base is None:
        return _without_base(sides, local, remote)
    base = language.normal(sides.base)
    if local == base:
        return Decision(Verdict.TAKE, sides.remote)
    if remote == base:
        return Decision(Verdict.KEEP, sides.local)
    both = merged(language.sections(base), language.sections(local), language.sections(remote))
    if both is None:
        return Decision(Verdict.CONFLICT, sides.local)
    text = language.joined(both)
    return Decision(Verdict.TAKE if text == remote else Verdict.MERGE, text)


def _is_half_written(language: BodyLanguage, sides: Sides, remote: str) -> bool:
    """Whether the text there is our own writing, broken off: each of its lines is from before or from what was sent."""
    ours = {
        line.strip()
        for text in (sides.base or "", sides.sending or "")
        for line in language.normal(text).split("\n")
    }
    return all(line.strip() in ours for line in remote.split("\n"))


def _without_base(sides: Sides, local: str, remote: str) -> Decision:
    """Nobody knows what both had: one side's text counts only where the other's is certainly older."""
    if not local or sides.is_untouched or remote.startswith(local):
        return Decision(Verdict.TAKE, sides.remote)
    if not remote or local.startswith(remote):
        return Decision(Verdict.KEEP, sides.local)
    return Decision(Verdict.CONFLICT, sides.local)
