"""How many letters people may have written: so many an hour, for one person and for a company as a whole.

Whoever is let in can name any address, and the letter that goes there bears the company's name and our sender: without
a bound one careless member, or one stolen session, makes us send what nobody asked for until no mail of ours arrives
anywhere. Counted in the company's part of the cache, so all processes count together.
"""

from contextlib import suppress
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import structlog
from django.core.cache import cache
from django.utils import timezone

from tenants.foundation.errors import LimitReached

log = structlog.get_logger(__name__)

_HOUR: Final = 3600


@dataclass(frozen=True, slots=True)
class Ration:
    """What is counted, and how much of it an hour has for one person and for a company."""

    name: str
    of_person: int
    of_company: int


LETTERS: Final = Ration("letters", of_person=300, of_company=2_000)
# Addresses nobody here has written to before: strangers, until they come.
STRANGERS: Final = Ration("strangers", of_person=40, of_company=200)
# By administrators, who bring a whole company in on its first day.
INVITATIONS: Final = Ration("invitations", of_person=500, of_company=1_000)


def spend_letters(count: int = 1, *, actor_id: UUID | None, ration: Ration = LETTERS) -> None:
    """Count letters that somebody has written; the product itself (None) may write what it has to.

    Raises: LimitReached with the seconds until the next hour; then none of them is to be written, and none counts.
    """
    if actor_id is None or count < 1:
        return
    now = timezone.now()
    left = _HOUR - (now.minute * 60 + now.second)
    hour = f"{now:%Y%m%d%H}"
    spent: list[str] = []
    for who, most in ((str(actor_id), ration.of_person), ("company", ration.of_company)):
        key = f"ration:{ration.name}:{who}:{hour}"
        cache.add(key, 0, timeout=2 * _HOUR)
        try:
            total = int(cache.incr(key, count))
        except ValueError:  # it was thrown out in between
            continue
        spent.append(key)
        if total > most:
            for each in spent:
                with suppress(ValueError):  # likewise
                    cache.decr(each, count)
            log.warning("letters.rationed", ration=ration.name, by_company=who == "company", count=count)
            raise LimitReached(
                f"At most {most} of these letters are sent in an hour. Please wait.",
                code="limit_reached.letters",
                retry_after_seconds=left,
            )
