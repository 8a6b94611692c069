"""The time zones a person may choose from."""

import zoneinfo
from functools import lru_cache
from typing import Final

_AREAS: Final = frozenset(
    {"Africa", "America", "Antarctica", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific"}
)


@lru_cache(maxsize=1)
def time_zones() -> tuple[str, ...]:
    """Return the names of the zones that are named after places, and UTC, in alphabetical order."""
    known = (name for name in zoneinfo.available_timezones() if name.partition("/")[0] in _AREAS)
    return ("UTC", *sorted(known))
