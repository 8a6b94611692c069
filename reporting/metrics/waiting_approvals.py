"""How many approvals wait for somebody's answer."""

from typing import Final

from tasks.approvals.selectors import waiting_for
from tenants.accounts.access import Actor

MOST_COUNTED: Final = 100


def waiting_approvals(*, actor: Actor) -> int:
    """Count them, but no further than a hundred; one query."""
    return waiting_for(actor=actor).order_by()[:MOST_COUNTED].count()
