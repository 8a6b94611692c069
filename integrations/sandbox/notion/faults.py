"""Failures on order: the next calls that match get a bad answer, or none."""

from __future__ import annotations

import itertools
import re
from dataclasses import asdict, dataclass, field, fields
from random import Random
from typing import Any, Literal, get_args

FaultKind = Literal[
    "status",
    "rate_limit",
    "reset",
    "half",
    "delay",
    "commit_then_503",
    "commit_then_reset",
    "repeat_cursor",
    "malformed",
]
KINDS: tuple[str, ...] = get_args(FaultKind)
REASONS = {
    "connection": "public_api_request_rate_limit",
    "space": "public_api_space_request_rate_limit",
    "endpoint": "public_api_endpoint_rate_limit",
    "blocked": "public_api_request_blocked",
}


@dataclass(kw_only=True)
class Fault:
    """See the README for what each kind does. `times` None: until cleared.

    All of `match`, `operation` (an endpoint as in the ledger), `workspace` and `token` that are given must fit the
    call. `nth` is short for the n-th such call and no other. A call spared by `probability` is not counted in `times`.
    """

    id: int = 0
    kind: FaultKind = "status"
    match: str = ""
    operation: str | None = None
    times: int | None = 1
    skip: int = 0
    nth: int | None = None
    probability: float = 1.0
    workspace: str | None = None
    token: str | None = None
    status: int = 500
    code: str | None = None
    message: str | None = None
    body: Any = None
    reason: str = "connection"
    retry_after: int | None = None
    additional_data: dict[str, Any] | None = None
    headers: dict[str, str] = field(default_factory=dict)
    delay_ms: int = 0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"kind is one of {', '.join(KINDS)}")
        for name in ("skip", "status", "delay_ms"):
            if not isinstance(getattr(self, name), int):
                raise ValueError(f"{name} must be a whole number")
        for name in ("times", "nth"):
            value = getattr(self, name)
            if value is not None and (not isinstance(value, int) or value < 1):
                raise ValueError(f"{name} must be a whole number of at least 1, or null")
        if not isinstance(self.probability, int | float) or not 0 < self.probability <= 1:
            raise ValueError("probability is more than 0 and at most 1")
        if self.reason not in REASONS:
            raise ValueError(f"reason is one of {', '.join(REASONS)}")
        if self.nth is not None:
            self.skip, self.times = self.nth - 1, 1
        try:
            self.pattern = re.compile(self.match)
        except (re.error, TypeError) as problem:
            raise ValueError(f"match is not a regular expression: {problem}") from problem

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    def fits(self, asked: Asked) -> bool:
        """Whether the call is one of those meant."""
        if self.workspace is not None and self.workspace != asked.workspace_id:
            return False
        if self.token is not None and self.token != asked.token:
            return False
        if self.operation is not None and self.operation != f"{asked.method} {asked.template}":
            return False
        return any(self.pattern.search(f"{asked.method} {one}") for one in (asked.path, asked.template))


@dataclass(frozen=True)
class Asked:
    """The call a fault may fall on; `template` is the path with names in braces."""

    method: str
    path: str
    template: str
    workspace_id: str | None
    token: str


class Faults:
    """Faults waiting for their call, first come first served. Chance comes from one seed."""

    def __init__(self, seed: int = 0) -> None:
        self._waiting: list[Fault] = []
        self._ids = itertools.count(1)
        self.seed(seed)

    def seed(self, seed: int) -> None:
        """Begin the same chances anew."""
        self._random = Random(seed)  # noqa: S311 (repeatable chance, no secret)

    def queue(self, **values: Any) -> Fault:
        """Raises ValueError for unknown names and impossible values."""
        unknown = set(values) - {one.name for one in fields(Fault)}
        if unknown:
            raise ValueError(f"unknown fault key {', '.join(sorted(unknown))}")
        fault = Fault(**values)
        fault.id = next(self._ids)
        self._waiting.append(fault)
        return fault

    def waiting(self) -> list[dict[str, Any]]:
        return [fault.as_json() for fault in self._waiting]

    def clear(self) -> None:
        self._waiting.clear()

    def take(self, asked: Asked) -> Fault | None:
        """The fault for this call, counted down; None when the call is to go well."""
        for fault in self._waiting:
            if not fault.fits(asked):
                continue
            if fault.skip > 0:
                fault.skip -= 1
                continue
            if fault.probability < 1 and self._random.random() >= fault.probability:
                continue
            if fault.times is not None:
                fault.times -= 1
                if fault.times == 0:
                    self._waiting.remove(fault)
            return fault
        return None
