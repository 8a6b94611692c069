"""``manage.py spares``: shows the schemas kept ready in each cell; --refill makes what is missing and tidies up."""

import json
from dataclasses import asdict
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from tenants.tenancy.spares import refill_spares, spares_of


class Command(BaseCommand):
    help = (
        "Lists the spare schemas of each cell; --refill makes what is missing and removes what nobody owns."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--cell", action="append", help="only this cell (may be given again)")
        parser.add_argument(
            "--refill", action="store_true", help="make what is missing, drop what is outdated"
        )
        parser.add_argument("--wanted", type=int, help="this many in each cell instead of SPARE_SCHEMAS")
        parser.add_argument("--json", action="store_true", help="one JSON object per cell")

    def handle(self, *args: Any, **options: Any) -> None:
        cells: list[str] = options["cell"] or settings.CELLS
        unknown = sorted(set(cells) - set(settings.CELLS))
        if unknown:
            raise CommandError(f"There is no cell called {', '.join(unknown)}.")
        kept: list[str] = []
        for cell in cells:
            line: dict[str, Any] = {"cell": cell}
            if options["refill"]:
                done = refill_spares(cell, wanted=options["wanted"])
                kept += done.orphans_kept
                line |= asdict(done)
            line |= asdict(spares_of(cell))
            self.stdout.write(json.dumps(line) if options["json"] else self._text(line))
        if kept:
            raise CommandError(f"These schemas hold rows and belong to nobody: {', '.join(kept)}")

    def _text(self, line: dict[str, Any]) -> str:
        text = f"{line['cell']}: {line['ready']} ready, {line['outdated']} outdated"
        if "made" in line:
            text += f" ({line['made']} made, {line['dropped']} dropped, {len(line['orphans_removed'])} orphans removed)"
        return text
