"""Failures on order: the next calls that match get a bad answer, or none."""

from __future__ import annotations

import itertools
import re
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal, get_args

FaultKind = Literal["status", "reset", "half", "delay", "commit_then_503", "repeat_cursor", "malformed"]
KINDS: tuple[str, ...] = get_args(FaultKind)


@dataclass(kw_only=True)
class Fault:
    """See the README for what each kind does. `times` None: until cleared."""

    id: int = 0
    kind: FaultKind = "status"
    match: str = ""
    times: int | None = 1
    skip: int = 0
    workspace: str | None = None
    status: int = 500
    code: str | None = None
    message: str | None = None
    body: Any = None
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
        if self.times is not None and (not isinstance(self.times, int) or self.times < 1):
            raise ValueError("times must be a whole number of at least 1, or null")
        try:
            self.pattern = re.compile(self.match)
        except (re.error, TypeError) as problem:
            raise ValueError(f"match is not a regular expression: {problem}") from problem

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


class Faults:
    """Faults waiting for their call, first come first served."""

    def __init__(self) -> None:
        self._waiting: list[Fault] = []
        self._ids = itertools.count(1)

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

    def take(self, method: str, path: str, template: str, workspace_id: str | None) -> Fault | None:
        """The fault for this call, counted down; None when the call is to go well."""
        for fault in self._waiting:
            if fault.workspace is not None and fault.workspace != workspace_id:
                continue
            if not any(fault.pattern.search(f"{method} {one}") for one in (path, template)):
                continue
            if fault.skip > 0:
                fault.skip -= 1
                continue
            if fault.times is not None:
                fault.times -= 1
                if fault.times == 0:
                    self._waiting.remove(fault)
            return fault
        return None
