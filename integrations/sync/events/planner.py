"""The cheapest way to read the records a burst of events named; pure."""

from dataclasses import dataclass
from enum import StrEnum
from math import ceil

#: How many records one answer holds, and how many one question can name.
PAGE = 100


class Way(StrEnum):
    """How the dirty records of one table are read."""

    EACH = "each"
    DELTA = "delta"
    NAMED = "named"


@dataclass(frozen=True, slots=True)
class Plan:
    """A way and the calls it is expected to cost."""

    way: Way
    calls: int


def cheapest(*, dirty: int, edited: int | None, named: int = 0, is_look_worth: bool = False) -> Plan:
    """Choose how to read `dirty` records of one table.

    `edited`: how many records of the table a question for everything edited since the watermark would bring, None
    where that cannot be asked. `named`: how many of the dirty ones carry our id, so that up to a hundred of them can
    be asked for at once; the others then cost a call each.

    One call each is never beaten for one record. With equal costs it wins as well: its answers hold nothing but what
    was asked for. Only where a look is worth making (`is_look_worth`) the question for everything edited wins then:
    it is one, and saves the next.
    """
    plans = [Plan(Way.EACH, dirty)]
    if edited is not None and is_look_worth and 0 < max(edited, dirty) <= PAGE:
        return Plan(Way.DELTA, 1)
    if edited is not None and dirty > 1:
        plans.append(Plan(Way.DELTA, max(1, ceil(max(edited, dirty) / PAGE))))
    if named and dirty > 1:
        plans.append(Plan(Way.NAMED, ceil(named / PAGE) + dirty - min(named, dirty)))
    return min(plans, key=lambda plan: plan.calls)
