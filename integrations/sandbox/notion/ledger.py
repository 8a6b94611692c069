"""Every call the sandbox answered, to count them afterwards."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

Key = tuple[str | None, str, int, str, str]


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One call. `at` is the sandbox's time, `real_at` the machine's, both ISO 8601 in UTC.

    `status` 0 means that no whole answer was sent (a fault closed the connection). `strategy` is what the caller, or
    the ledger at that time, was called; `fault` the kind of the fault that fell on the call.
    """

    endpoint: str
    method: str
    path: str
    status: int
    workspace: str | None
    at: str
    real_at: str
    milliseconds: float
    token: str = ""
    strategy: str = ""
    fault: str | None = None


class Ledger:
    """Counts for ever, remembers the latest calls one by one."""

    REMEMBERED = 50_000

    def __init__(self) -> None:
        self.calls: deque[Entry] = deque(maxlen=self.REMEMBERED)
        self.strategy = ""  # written to calls that do not say whose they are
        self._counts: Counter[Key] = Counter()

    def add(self, entry: Entry) -> None:
        self.calls.append(entry)
        self._counts[(entry.workspace, entry.endpoint, entry.status, entry.token, entry.strategy)] += 1

    def reset(self) -> None:
        self.calls.clear()
        self._counts.clear()

    def report(
        self,
        workspace_id: str | None = None,
        *,
        token: str | None = None,
        strategy: str | None = None,
        with_calls: bool = False,
    ) -> dict[str, Any]:
        """Totals by workspace, endpoint, status, token and strategy; see the README."""
        wanted = (workspace_id, token, strategy)
        counts = {
            key: count for key, count in self._counts.items() if _fits(wanted, (key[0], key[3], key[4]))
        }
        report: dict[str, Any] = {
            "total": sum(counts.values()),
            "counts": [
                {"workspace": workspace, "endpoint": endpoint, "status": status, "count": count}
                for (workspace, endpoint, status), count in sorted(
                    _summed(counts, 0, 1, 2).items(), key=lambda pair: str(pair[0])
                )
            ],
            "by_endpoint": {key[0]: count for key, count in _summed(counts, 1).items()},
            "by_status": {str(key[0]): count for key, count in _summed(counts, 2).items()},
            "by_token": {key[0]: count for key, count in _summed(counts, 3).items()},
            "by_strategy": {key[0]: count for key, count in _summed(counts, 4).items()},
        }
        if with_calls:
            report["calls"] = [
                asdict(call)
                for call in self.calls
                if _fits(wanted, (call.workspace, call.token, call.strategy))
            ]
        return report


def _fits(wanted: Iterable[str | None], had: Iterable[str | None]) -> bool:
    return all(one in (None, other) for one, other in zip(wanted, had, strict=True))


def _summed(counts: dict[Key, int], *places: int) -> Counter[tuple[Any, ...]]:
    summed: Counter[tuple[Any, ...]] = Counter()
    for key, count in counts.items():
        summed[tuple(key[place] for place in places)] += count
    return summed
