"""What may happen to an event on its way: lost, late, twice, out of order, badly signed."""

from __future__ import annotations

import itertools
import re
from dataclasses import asdict, dataclass, fields
from random import Random
from typing import Any, Literal, get_args

MishapKind = Literal[
    "loss",
    "delay",
    "duplicate",
    "reorder",
    "wrong_signature",
    "no_signature",
    "unknown_workspace",
    "unknown_type",
]
KINDS: tuple[str, ...] = get_args(MishapKind)


@dataclass(kw_only=True)
class Mishap:
    """`match` is a regular expression searched in the event's type; `times` None: until cleared.

    `probability` of befalling an event that matches; one it spares is not counted in `times`.
    """

    id: int = 0
    kind: MishapKind = "loss"
    match: str = ""
    times: int | None = 1
    skip: int = 0
    probability: float = 1.0
    delay_seconds: float = 0.0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"kind is one of {', '.join(KINDS)}")
        if self.times is not None and (not isinstance(self.times, int) or self.times < 1):
            raise ValueError("times must be a whole number of at least 1, or null")
        if not isinstance(self.skip, int) or self.skip < 0:
            raise ValueError("skip must be a whole number of at least 0")
        if not 0 < self.probability <= 1:
            raise ValueError("probability is more than 0 and at most 1")
        if self.delay_seconds < 0:
            raise ValueError("delay_seconds must not be negative")
        try:
            self.pattern = re.compile(self.match)
        except (re.error, TypeError) as problem:
            raise ValueError(f"match is not a regular expression: {problem}") from problem


class Mishaps:
    """Those waiting for an event. Chance comes from one seed, so that a run can be repeated."""

    def __init__(self, seed: int = 0) -> None:
        self._waiting: list[Mishap] = []
        self._ids = itertools.count(1)
        self.seed(seed)

    def seed(self, seed: int) -> None:
        self._random = Random(seed)  # noqa: S311 (repeatable chance, no secret)

    def queue(self, **values: Any) -> Mishap:
        """Raises ValueError for unknown names and impossible values."""
        unknown = set(values) - {one.name for one in fields(Mishap)}
        if unknown:
            raise ValueError(f"unknown mishap key {', '.join(sorted(unknown))}")
        mishap = Mishap(**values)
        mishap.id = next(self._ids)
        self._waiting.append(mishap)
        return mishap

    def clear(self) -> None:
        self._waiting.clear()

    def waiting(self) -> list[dict[str, Any]]:
        return [asdict(one) for one in self._waiting]

    def befalling(self, event_type: str) -> list[Mishap]:
        """All that happen to one event, counted down."""
        found = []
        for mishap in list(self._waiting):
            if not mishap.pattern.search(event_type):
                continue
            if mishap.skip > 0:
                mishap.skip -= 1
                continue
            if mishap.probability < 1 and self._random.random() >= mishap.probability:
                continue
            if mishap.times is not None:
                mishap.times -= 1
                if mishap.times == 0:
                    self._waiting.remove(mishap)
            found.append(mishap)
        return found

    def chance(self) -> float:
        """The next number of the same seed, from 0 to 1."""
        return self._random.random()
