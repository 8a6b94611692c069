"""Gives edited text back what markdown does not show: colours, underlining and mentions of words that stayed; pure."""

import re
from collections.abc import Sequence
from dataclasses import replace
from difflib import SequenceMatcher
from typing import Final

from integrations.connectors.notion.blocks.model import Run, joined

_TOKEN: Final = re.compile(r"\w+|\s+|[^\w\s]")
#: Beyond this many differing words only beginning and end are compared.
_MOST_TOKENS: Final = 4000


def restyled(new: Sequence[Run], *, old: Sequence[Run], old_shown: Sequence[Run]) -> tuple[Run, ...]:
    """The new runs, with the hidden styles of each old word that is still there.

    `old_shown` are the old runs as markdown showed them: where a style was not changed since, the old one (which may
    hold more than markdown can say) stays. A mention whose words were touched becomes plain words.
    """
    before, shown, after = _signs(old), _signs(old_shown), _signs(new)
    if [sign for sign, _ in before] != [sign for sign, _ in shown]:
        return joined(new)
    kept = _kept("".join(sign for sign, _ in before), "".join(sign for sign, _ in after))
    whole = _whole_mentions(before, kept)
    made: list[Run] = []
    for place, (sign, run) in enumerate(after):
        at = kept.get(place)
        made.append(
            replace(run if at is None else _styled(run, before[at][1], shown[at][1], at in whole), text=sign)
        )
    return _mentions_whole(made)


def _styled(run: Run, source: Run, seen: Run, is_whole: bool) -> Run:
    """What a sign that stayed looks like: as it did, but for what was changed about it here."""
    if source.mention and not is_whole:
        return replace(run, color=source.color, underline=source.underline)
    if run.style == seen.style:
        return source
    return replace(run, color=source.color, underline=source.underline)


def _signs(runs: Sequence[Run]) -> list[tuple[str, Run]]:
    return [(sign, run) for run in runs for sign in run.text]


def _kept(old: str, new: str) -> dict[int, int]:
    """The place each sign of a word that stayed had before, by the place it has now."""
    words, others = list(_TOKEN.finditer(old)), list(_TOKEN.finditer(new))
    pairs = _same([word[0] for word in words], [word[0] for word in others])
    return {
        others[here].start() + step: words[there].start() + step
        for here, there in pairs
        for step in range(len(words[there][0]))
    }


def _same(old: Sequence[str], new: Sequence[str]) -> list[tuple[int, int]]:
    """Pairs (new place, old place) of words that stayed."""
    head = 0
    while head < min(len(old), len(new)) and old[head] == new[head]:
        head += 1
    tail = 0
    while tail < min(len(old), len(new)) - head and old[-1 - tail] == new[-1 - tail]:
        tail += 1
    pairs = [(at, at) for at in range(head)]
    middle_old, middle_new = old[head : len(old) - tail], new[head : len(new) - tail]
    if len(middle_old) + len(middle_new) <= _MOST_TOKENS:
        matcher = SequenceMatcher(None, middle_old, middle_new, autojunk=False)
        for match in matcher.get_matching_blocks():
            pairs += [(head + match.b + step, head + match.a + step) for step in range(match.size)]
    pairs += [(len(new) - 1 - at, len(old) - 1 - at) for at in range(tail)]
    return pairs


def _whole_mentions(before: Sequence[tuple[str, Run]], kept: dict[int, int]) -> set[int]:
    """Places of signs that belong to a mention of which every sign stayed, side by side."""
    new_of = {old: new for new, old in kept.items()}
    whole: set[int] = set()
    start = 0
    while start < len(before):
        run = before[start][1]
        end = start + 1
        while end < len(before) and before[end][1] is run:
            end += 1
        places = [new_of.get(at) for at in range(start, end)]
        first = places[0]
        if run.mention and first is not None and places == list(range(first, first + len(places))):
            whole |= set(range(start, end))
        start = end
    return whole


def _mentions_whole(runs: Sequence[Run]) -> tuple[Run, ...]:
    """Words of one mention as one run again."""
    made: list[Run] = []
    for run in runs:
        last = made[-1] if made else None
        if last is not None and (run.mention or run.is_equation) and last.style == run.style:
            made[-1] = replace(last, text=last.text + run.text)
        else:
            made.append(run)
    return joined(made)
