"""Every call the sandbox answered, to count them afterwards."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One call. `at` is the sandbox's time, `real_at` the machine's, both ISO 8601 in UTC.

    `status` 0 means that no whole answer was sent (a fault closed the connection).
    """

    endpoint: str
    method: str
    path: str
    status: int
    workspace: str | None
    at: str
    real_at: str
    milliseconds: float


class Ledger:
    """Counts for ever, remembers the latest calls one by one."""

    REMEMBERED = 50_000

    def __init__(self) -> None:
        self.calls: deque[Entry] = deque(maxlen=self.REMEMBERED)
        self._counts: Counter[tuple[str | None, str, int]] = Counter()

    def add(self, entry: Entry) -> None:
        self.calls.append(entry)
        self._counts[(entry.workspace, entry.endpoint, entry.status)] += 1

    def reset(self) -> None:
        self.calls.clear()
        self._counts.clear()

    def report(self, workspace_id: str | None = None, *, with_calls: bool = False) -> dict[str, Any]:
        """Totals by workspace, endpoint and status; see the README."""
        counts = {key: count for key, count in self._counts.items() if workspace_id in (None, key[0])}
        by_endpoint: Counter[str] = Counter()
        by_status: Counter[str] = Counter()
        for (_, endpoint, status), count in counts.items():
            by_endpoint[endpoint] += count
            by_status[str(status)] += count
        report: dict[str, Any] = {
            "total": sum(counts.values()),
            "counts": [
                {"workspace": workspace, "endpoint": endpoint, "status": status, "count": count}
                for (workspace, endpoint, status), count in sorted(
                    counts.items(), key=lambda pair: str(pair[0])
                )
            ],
            "by_endpoint": dict(by_endpoint),
            "by_status": dict(by_status),
        }
        if with_calls:
            report["calls"] = [asdict(call) for call in self.calls if workspace_id in (None, call.workspace)]
        return report
