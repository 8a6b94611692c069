"""``manage.py harden``: takes rights away that PostgreSQL gives to everybody, or prints the SQL that does."""

import json
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from tenants.tenancy.databases import owner_connection
from tenants.tenancy.hardening import faults, harden_database, hardened_aliases, script


class Command(BaseCommand):
    requires_system_checks = []
    help = (
        "Hardens the control plane and every cell as prepare does, looks whether they are, or prints the SQL."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        choices = [alias.removesuffix("_owner") for alias in hardened_aliases()]
        parser.add_argument("--database", choices=choices, help="only this one; default: all")
        ways = parser.add_mutually_exclusive_group()
        ways.add_argument(
            "--print", action="store_true", help="print the SQL for a superuser, change nothing"
        )
        ways.add_argument("--check", action="store_true", help="tell what is open, change nothing")
        parser.add_argument("--json", action="store_true", help="with --check: print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        chosen = [f"{options['database']}_owner"] if options["database"] else hardened_aliases()
        if options["json"] and not options["check"]:
            raise CommandError("--json goes with --check.")
        if options["print"]:
            self.print_scripts(chosen)
        elif options["check"]:
            self.check_databases(chosen, as_json=options["json"])
        else:
            for alias in chosen:
                mended = harden_database(alias)
                self.stdout.write(f"{alias.removesuffix('_owner')}: {mended} rights set right.")

    def print_scripts(self, aliases: list[str]) -> None:
        """Databases with the same roles share a script."""
        databases: dict[str, list[str]] = {}
        for alias in aliases:
            databases.setdefault(script(alias), []).append(settings.DATABASES[alias]["NAME"])
        for text, names in databases.items():
            self.stdout.write(f"-- As a superuser, in each of these databases: {', '.join(names)}\n{text}")

    def check_databases(self, aliases: list[str], *, as_json: bool) -> None:
        """Raises: CommandError when something is open."""
        found: dict[str, list[str]] = {}
        for alias in aliases:
            with owner_connection(alias) as connection:
                sentences = [fault.sentence for fault in faults(connection, alias)]
            found[alias.removesuffix("_owner")] = sentences
        is_open = any(found.values())
        if as_json:
            self.stdout.write(json.dumps({"is_hardened": not is_open, "faults": found}))
        else:
            for name, sentences in found.items():
                self.stdout.write(f"{name}: {len(sentences) or 'no'} rights to be set right.")
                for sentence in sentences:
                    self.stdout.write(f"  {sentence}")
        if is_open:
            raise CommandError("Not every database is hardened.")
