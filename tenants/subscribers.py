"""Reactions of the ground floor to its own events."""

from tenants.branding.services import make_known_later
from tenants.lifecycle.restoring.events import CompanyRestored
from tenants.outbox.bus import subscribe


@subscribe(CompanyRestored)
def show_the_brand_of_that_day(_event: CompanyRestored) -> None:
    """Name and colour in the directory follow the rows that came back."""
    make_known_later()
