"""The platform itself: the reserved tenant whose users are its operators, and whose jobs are its own work."""

from typing import Final

PLATFORM_SLUG: Final = "platform"
# What the kinds of jobs begin with that only that tenant may ask for.
PLATFORM_WORK: Final = f"{PLATFORM_SLUG}."
