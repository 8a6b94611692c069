"""Merges a text that was changed on both sides, section by section; pure."""

from collections.abc import Sequence
from difflib import SequenceMatcher

type Sections = Sequence[str]


def merged(base: Sections, local: Sections, remote: Sections) -> list[str] | None:
    """Both sides' changes in one text, or None where both changed the same section.

    What both put in at one place is kept, theirs first: two people who each add a paragraph do not disagree.
    """
    made: list[str] = []
    at_local = at_remote = at_base = 0
    for place in [*_anchors(base, local, remote), None]:
        end = (len(base), len(local), len(remote)) if place is None else place
        part = _part(base[at_base : end[0]], local[at_local : end[1]], remote[at_remote : end[2]])
        if part is None:
            return None
        made += part
        if place is not None:
            made.append(base[place[0]])
            at_base, at_local, at_remote = (item + 1 for item in place)
    return made


def _anchors(base: Sections, local: Sections, remote: Sections) -> list[tuple[int, int, int]]:
    """Places of sections that are the same on both sides and were so before."""
    here, there = _matches(base, local), _matches(base, remote)
    return [(at, here[at], there[at]) for at in range(len(base)) if at in here and at in there]


def _matches(base: Sections, other: Sections) -> dict[int, int]:
    matcher = SequenceMatcher(None, list(base), list(other), autojunk=False)
    return {
        match.a + step: match.b + step
        for match in matcher.get_matching_blocks()
        for step in range(match.size)
    }


def _part(base: Sections, local: Sections, remote: Sections) -> list[str] | None:
    if list(local) == list(base) or list(local) == list(remote):
        return list(remote)
    if list(remote) == list(base):
        return list(local)
    if not base:
        return [*remote, *(section for section in local if section not in remote)]
    if 1 < len(base) == len(local) == len(remote):
        # Neighbours changed by one side each: they stand beside each other, but not in each other's way.
        parts = [_part([b], [here], [there]) for b, here, there in zip(base, local, remote, strict=True)]
        if all(part is not None for part in parts):
            return [section for part in parts if part is not None for section in part]
    return None
