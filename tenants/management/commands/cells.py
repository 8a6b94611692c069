"""``manage.py cells``: how full and how busy every cell is, whether it answers, and whether the cells are equal."""

import json
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from tenants.tenancy.cells import CellState, cell_states
from tenants.tenancy.shared_tables import differences


class Command(BaseCommand):
    help = "Lists the cells with their load; exits 1 when one does not answer or differs from the others."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="one JSON object per cell")

    def handle(self, *args: Any, **options: Any) -> None:
        states = cell_states()
        unequal = differences()
        for state in states:
            if options["json"]:
                line = asdict(state) | {"differences": unequal.get(state.alias, [])}
                self.stdout.write(json.dumps(line, default=str))
            else:
                self.stdout.write(text_of(state))
        away = [state.alias for state in states if not state.is_up]
        problems = [f"{cell} does not answer." for cell in away]
        problems += [f"{cell}: {line}" for cell, lines in unequal.items() for line in lines]
        if problems:
            raise CommandError("\n".join(problems))


def text_of(state: CellState) -> str:
    """One line about a cell, for a person."""
    place = "open" if state.is_open else "closed"
    start = f"{state.alias:<10} {state.region:<10} {place:<7} {state.tenants:>5} of {state.most_tenants} companies"
    if not state.is_up:
        return f"{start}  does not answer: {state.error}"
    size = (state.bytes or 0) / 1024 / 1024
    passed = f"{state.passed_at:%Y-%m-%d %H:%M:%S}" if state.passed_at else "never"
    return (
        f"{start}  {state.spares} spares  {size:,.0f} MiB  {state.relations} relations  {state.waiting_jobs} jobs due"
        f"  {state.connections} of {state.most_connections} connections  last dispatch {passed}"
    )
