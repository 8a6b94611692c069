"""Where figures go, and on what they were taken."""

import datetime as dt
import json
import os
import platform
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "results"


def save(name: str, how: str, figures: dict[str, Any]) -> Path:
    """Write ``figures`` with the date, the machine and how they were taken; returns the file."""
    FOLDER.mkdir(exist_ok=True)
    path = FOLDER / f"{name}.json"
    head = {
        "taken": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}",
        "load_average": os.getloadavg()[0],
        "how": how,
    }
    path.write_text(json.dumps({**head, **figures}, indent=2, ensure_ascii=False) + "\n")
    return path


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which ``share`` of ``values`` lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def milliseconds(seconds: float) -> float:
    return round(seconds * 1000, 3)


def median(values: Sequence[float]) -> float:
    return statistics.median(values)
