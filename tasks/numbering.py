"""Gives tasks their numbers: one counter for each prefix, locked while numbers are taken."""

from __future__ import annotations

from collections.abc import Mapping

from tasks.models import NumberSeries


def take_numbers(counts: Mapping[str, int]) -> dict[str, int]:
    """Take `counts[prefix]` numbers of each prefix; returns the first one of each. Three statements at most.

    The counters stay locked until the transaction ends, in the order of their prefixes, so no two tasks share
    a number and two batches cannot wait for each other.
    """
    if not counts:
        return {}
    NumberSeries.objects.bulk_create(
        [NumberSeries(prefix=prefix) for prefix in sorted(counts)], ignore_conflicts=True
    )
    series = list(NumberSeries.objects.select_for_update().filter(prefix__in=list(counts)).order_by("prefix"))
    first = {one.prefix: one.last_number + 1 for one in series}
    for one in series:
        one.last_number += counts[one.prefix]
    NumberSeries.objects.bulk_update(series, ["last_number"])
    return first
