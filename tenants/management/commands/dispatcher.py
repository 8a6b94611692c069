"""``manage.py dispatcher``: hands due work to Celery until it is told to stop; run as many as you like."""

import signal
from pathlib import Path
from types import FrameType
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from prometheus_client import start_http_server

from tenants.dispatch.dispatcher import Dispatcher


class Command(BaseCommand):
    help = "Hands due work to Celery, the least-served company first, and looks after what was lost."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--once", action="store_true", help="look once at every cell, then end")
        parser.add_argument(
            "--cell", action="append", help="only this cell (may be given again); all when not given"
        )
        parser.add_argument("--metrics-port", type=int, help="serve Prometheus metrics on this port")
        parser.add_argument("--metrics-address", default="127.0.0.1", help="where to listen for it")
        parser.add_argument("--heartbeat-file", type=Path, help="touched at every turn, for a liveness probe")

    def handle(self, *args: Any, **options: Any) -> None:
        cells: list[str] = options["cell"] or settings.CELLS
        unknown = sorted(set(cells) - set(settings.CELLS))
        if unknown:
            raise CommandError(
                f"There is no cell called {', '.join(unknown)}; there are {', '.join(settings.CELLS)}."
            )
        beat_file: Path | None = options["heartbeat_file"]
        dispatcher = Dispatcher(cells, beat=beat_file.touch if beat_file else lambda: None)
        if options["once"]:
            self.stdout.write(f"{dispatcher.turn().sent} rows handed out.")
            return

        def stop(_signal: int, _frame: FrameType | None) -> None:
            dispatcher.stop()

        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, stop)
        if options["metrics_port"]:
            start_http_server(options["metrics_port"], addr=options["metrics_address"])
        dispatcher.run()
