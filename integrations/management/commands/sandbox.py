"""`manage.py sandbox notion`: a local stand-in of an outside service."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from integrations.sandbox.notion.loading import LoadError, check_first_line
from integrations.sandbox.notion.sandbox import UNCHANGED
from integrations.sandbox.notion.server import SandboxServer, ServerOptions


def budget_of(text: str) -> int | None:
    """A number of calls per minute, or None for `off`."""
    if text == "off":
        return None
    if not text.isdecimal() or int(text) < 1:
        raise ArgumentTypeError("a number of calls per minute, or off")
    return int(text)


def client_of(text: str) -> tuple[str, str]:
    """The client id and secret of `id:secret`."""
    client_id, _, secret = text.partition(":")
    if not client_id or not secret:
        raise ArgumentTypeError("a client id, a colon and a secret")
    return client_id, secret


class Command(BaseCommand):
    """Serves until it is interrupted."""

    help = "Serve a local stand-in of an outside service. Known: notion."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("service", choices=["notion"])
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=8790)
        parser.add_argument(
            "--load", action="append", type=Path, default=[], metavar="FILE.ndjson", help="repeatable"
        )
        parser.add_argument("--state", type=Path, metavar="DIR", help="keep every change here")
        parser.add_argument(
            "--budget",
            type=budget_of,
            default=UNCHANGED,
            metavar="N|off",
            help="calls per minute and connection",
        )
        parser.add_argument("--latency-ms", type=int, default=0)
        parser.add_argument("--threads", type=int, default=16)
        parser.add_argument(
            "--oauth-client",
            type=client_of,
            metavar="ID:SECRET",
            help="a public integration people may let in",
        )

        parser.add_argument(
            "--window-urls",
            action="store_true",
            help="pages say they are in the sandbox's own window, so that links to them lead somewhere",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        for path in options["load"]:
            try:
                check_first_line(path)
            except (OSError, LoadError) as problem:
                raise CommandError(str(problem)) from problem
        SandboxServer(
            ServerOptions(
                host=options["host"],
                port=options["port"],
                load=tuple(options["load"]),
                state=options["state"],
                budget=options["budget"],
                latency_ms=options["latency_ms"],
                threads=options["threads"],
                oauth_client=options["oauth_client"],
                has_window_urls=options["window_urls"],
            )
        ).run()
