"""`manage.py demo_dns`: what the demo's own name servers say, so that a domain can be proved by hand."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

import idna
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from integrations.demo.name_servers import LONGEST_TEXT, Records

KINDS = {"txt": "TXT", "cname": "CNAME"}


def demo_records() -> Records:
    """The records of the demo of this checkout."""
    return Records(Path(settings.VAR_DIR) / "demo" / "names.json")


class Command(BaseCommand):
    """Sets and forgets records; the running demo answers with them at once."""

    help = "Show, set and forget the records of the demo's two name servers."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("action", choices=("list", "txt", "cname", "forget"))
        parser.add_argument("name", nargs="?", default="", help="such as _nts-challenge.tasks.example.com")
        parser.add_argument("value", nargs="?", default="", help="the text, or where the name leads")

    def handle(self, *args: Any, **options: Any) -> None:
        action, records = options["action"], demo_records()
        if action != "list":
            name = _name(options["name"])
            if action == "forget":
                if not records.forget(name):
                    raise CommandError(f"Nothing is known of {name}.")
            else:
                records.put(name, KINDS[action], [_value(action, options["value"])])
        self.stdout.write(json.dumps(records.all(), indent=2, sort_keys=True))


def _name(text: str) -> str:
    if not text.strip():
        raise CommandError("Name the record, as the page shows it.")
    try:
        labels = [
            label if label.startswith("_") else idna.encode(label, uts46=True).decode()
            for label in text.strip().rstrip(".").lower().split(".")
        ]
    except (idna.IDNAError, UnicodeError) as error:
        raise CommandError(f"“{text}” is no name.") from error
    return ".".join(labels)


def _value(action: str, text: str) -> str:
    if not text.strip():
        raise CommandError("Say what it is to hold, as the page shows it.")
    if action == "cname":
        return _name(text)
    if len(text.encode()) > LONGEST_TEXT:
        raise CommandError(f"At most {LONGEST_TEXT} bytes.")
    return text.strip()
