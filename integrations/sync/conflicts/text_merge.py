"""Two edits of one text put together where they touch different parts of it; pure."""

import re
from collections.abc import Sequence
from difflib import SequenceMatcher

_WORDS = re.compile(r"\s+|[^\s]+")


def merge_texts(base: str, local: str, remote: str) -> str | None:
    """Both edits in one text: line by line, or word by word in a text of one line; None where they overlap."""
    if "\n" in base + local + remote:
        parts = [text.splitlines(keepends=True) for text in (base, local, remote)]
    else:
        parts = [words_of(text) for text in (base, local, remote)]
    merged = _merge(*parts)
    return None if merged is None else "".join(merged)


def words_of(text: str) -> list[str]:
    """The words of a text and what stands between them; together they are the text."""
    return _WORDS.findall(text)


def _merge(base: Sequence[str], local: Sequence[str], remote: Sequence[str]) -> list[str] | None:
    edits = sorted([*_edits(base, local), *_edits(base, remote)])
    result: list[str] = []
    at = 0
    for index, (start, end, new) in enumerate(edits):
        if index and (start, end, new) == edits[index - 1]:
            # Both made the very same change.
            continue
        if index and start <= edits[index - 1][1]:
            # They overlap, or meet so closely that nobody can say what comes first.
            return None
        result += [*base[at:start], *new]
        at = end
    return [*result, *base[at:]]


def _edits(before: Sequence[str], after: Sequence[str]) -> list[tuple[int, int, tuple[str, ...]]]:
    """What was replaced: from and to a place in `before`, and what stands there now."""
    matcher = SequenceMatcher(None, before, after, autojunk=False)
    return [
        (start, end, tuple(after[new_start:new_end]))
        for tag, start, end, new_start, new_end in matcher.get_opcodes()
        if tag != "equal"
    ]
