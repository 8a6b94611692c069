"""How soon after one test letter a company may send the next, whatever server it has set up in between."""

from datetime import timedelta
from typing import Final

from django.core.cache import cache

_KEY: Final = "mail-server:tested"


def may_test_now(pause: timedelta) -> bool:
    """Whether none was sent within ``pause``; asking counts as sending, and two who ask at once get one yes."""
    return not pause or bool(cache.add(_KEY, True, timeout=pause.total_seconds()))
