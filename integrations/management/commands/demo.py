"""`manage.py demo`: two invented companies in step with a living Notion sandbox, on this machine."""

from __future__ import annotations

import json
import signal
import sys
from argparse import ArgumentParser
from types import FrameType
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from integrations.demo.addresses import SANDBOX_PORT, WEB_PORT, choose_addresses
from integrations.demo.show import Show
from tenants.foundation.errors import DomainError
from tenants.foundation.logs import configure_logging


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


class Command(BaseCommand):
    """Starts everything and runs until Ctrl-C; `--once` stops again when the first syncs are done."""

    help = "Start everything: two companies in step with a living Notion sandbox. Ctrl-C stops it."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--once", action="store_true", help="stop when all first syncs are done")
        parser.add_argument(
            "--json", action="store_true", help="print one JSON object on standard output, all else on error"
        )
        parser.add_argument(
            "--port", type=int, default=WEB_PORT, help="the console's port (default: %(default)s)"
        )
        parser.add_argument(
            "--sandbox-port", type=int, default=SANDBOX_PORT, help="the sandbox's port (default: %(default)s)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        stream = sys.stderr if options["json"] else sys.stdout
        configure_logging("WARNING", as_json=False)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, _interrupt)
        try:
            show = Show(choose_addresses(web=options["port"], sandbox=options["sandbox_port"]), stream)
        except DomainError as error:
            raise CommandError(str(error)) from error
        try:
            self._run(show, is_once=options["once"], is_json=options["json"])
        except KeyboardInterrupt:
            stream.write("\nStopping …\n")
            if options["once"]:
                raise CommandError("Interrupted before the first syncs were done.", returncode=130) from None
        except (DomainError, TimeoutError) as error:
            raise CommandError(str(error)) from error
        finally:
            # Nobody who presses Ctrl-C again should leave half of it running.
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, signal.SIG_IGN)
            show.stop()

    def _run(self, show: Show, *, is_once: bool, is_json: bool) -> None:
        show.start()
        outcome = show.wait_for_first_syncs()
        if is_json:
            sys.stdout.write(json.dumps(outcome.as_json()) + "\n")
            sys.stdout.flush()
        if not is_once:
            show.tell(outcome)
            show.live()
        elif outcome.sync_failures:
            raise CommandError(f"{outcome.sync_failures} syncs or records failed.")
