"""PostgreSQL's percentiles for Django's queries."""

from typing import Any

from django.db.models import Aggregate


class Percentile(Aggregate):
    """The value below which a fraction (0 to 1) of all values lies; works for numbers and for spans of time."""

    function = "percentile_cont"
    template = "%(function)s(%(fraction)s) WITHIN GROUP (ORDER BY %(expressions)s)"
    name = "Percentile"

    def __init__(self, expression: Any, *, fraction: float, **extra: Any) -> None:
        if not 0 <= fraction <= 1:
            raise ValueError(f"{fraction} is no fraction.")
        super().__init__(expression, fraction=float(fraction), **extra)
