"""``manage.py onboard``: takes a company in from the shell."""

import getpass
import json
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.urls import reverse

from tenants.foundation.errors import DomainError
from tenants.lifecycle.onboarding import onboard_tenant


class Command(BaseCommand):
    help = "Takes a company in: schema, keys, host name and first owner."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug", help="the first label of the company's host name")
        parser.add_argument("--name", required=True)
        parser.add_argument("--owner-email", required=True)
        parser.add_argument("--owner-name", default="")
        parser.add_argument(
            "--password",
            help="asked for when not given; empty, or no terminal: the owner gets an invitation link",
        )
        parser.add_argument(
            "--region", default="", help="where its rows are kept; the default region if not given"
        )
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        password = options["password"]
        # A script cannot be asked; the link lets the owner choose, and nobody else learns the password.
        if password is None and sys.stdin.isatty():
            password = getpass.getpass("Password of the first owner (empty: an invitation link): ")
        try:
            done = onboard_tenant(
                slug=options["slug"], name=options["name"], owner_email=options["owner_email"],
                owner_name=options["owner_name"] or options["owner_email"], owner_password=password or None,
                region=options["region"], asked_by="shell",
            )  # fmt: skip
        except DomainError as error:
            details = "; ".join(f"{field}: {' '.join(lines)}" for field, lines in error.fields.items())
            raise CommandError(f"{error.message} {details}".strip()) from error
        result = {"tenant": str(done.tenant.id), "slug": done.tenant.slug, "address": done.address}
        if done.invitation is not None:
            path = reverse("accounts:accept_invitation", args=[done.invitation.reveal()])
            result["invitation"] = f"{done.address}{path}"
        text = "\n".join(f"{name:<11} {value}" for name, value in result.items())
        self.stdout.write(json.dumps(result) if options["json"] else text)
