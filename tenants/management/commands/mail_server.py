"""``manage.py mail_server``: by which server a company's letters go out, set up and proved from the shell."""

import getpass
import json
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from tenants.accounts.access import SystemActor
from tenants.branding.mail_servers import services
from tenants.branding.mail_servers.selectors import ShownServer, mail_servers
from tenants.branding.mail_servers.values import MailServerSettings
from tenants.foundation.crypto import Secret
from tenants.foundation.errors import DomainError
from tenants.foundation.letters.smtp import Security
from tenants.models import Tenant
from tenants.tenancy import tenant_scope

SHELL = SystemActor(name="shell")
SHOWN = ("from_address", "host", "port", "security", "username", "proved_at", "failing_since", "problem")


class Command(BaseCommand):
    help = "Shows the mail server of a company, sets one up (set, test, confirm) and gives it up (remove)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("action", choices=("show", "set", "test", "confirm", "remove"))
        parser.add_argument("slug", help="the first label of the company's host name")
        parser.add_argument("--from", dest="from_address", default="", help="the address letters come from")
        parser.add_argument("--host", default="", help="the mail server")
        parser.add_argument("--port", type=int, default=587)
        parser.add_argument("--security", choices=[each.value for each in Security], default="starttls")
        parser.add_argument(
            "--username", default="", help="the password is asked for, or read from standard input"
        )
        parser.add_argument("--to", default="", help="who of the company gets the test letter")
        parser.add_argument("--code", default="", help="the code in the test letter")
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        tenant = Tenant.objects.filter(slug=options["slug"]).first()
        if tenant is None:
            raise CommandError(f"There is no company {options['slug']}.")
        try:
            with tenant_scope(tenant.ref):
                self._act(options)
                now = mail_servers(actor=SHELL)
        except DomainError as error:
            lines = [f"{name}: {line}" for name, found in error.fields.items() for line in found]
            raise CommandError("\n".join(lines) or error.message) from error
        facts = {"active": _facts(now.active), "candidate": _facts(now.candidate)}
        if options["json"]:
            self.stdout.write(json.dumps(facts))
            return
        if now.active is None:
            self.stdout.write("Letters go out by the platform's server.")
        for stage, found in facts.items():
            for name, value in (found or {}).items():
                self.stdout.write(
                    f"{stage:<10} {name.replace('_', ' '):<14} {'' if value is None else value}"
                )

    def _act(self, options: dict[str, Any]) -> None:
        match options["action"]:
            case "set":
                password = _password() if options["username"] else ""
                names = ("from_address", "host", "port", "security", "username")
                values = {name: options[name] for name in names}
                settings = MailServerSettings(**values, password=Secret(password) if password else None)
                services.save_mail_server(actor=SHELL, settings=settings)
            case "test":
                to = services.send_test_letter(actor=SHELL, to=options["to"])
                self.stderr.write(f"On its way to {to}.")
            case "confirm":
                services.confirm_mail_server(actor=SHELL, code=options["code"])
            case "remove":
                services.remove_mail_server(actor=SHELL)


def _password() -> str:
    """Never an argument: others on the machine read those. Empty: the one that is kept."""
    return getpass.getpass("Password: ") if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")


def _facts(server: ShownServer | None) -> dict[str, Any] | None:
    if server is None:
        return None
    values = {name: getattr(server, name) for name in SHOWN}
    return {
        name: value.isoformat() if hasattr(value, "isoformat") else value for name, value in values.items()
    }
