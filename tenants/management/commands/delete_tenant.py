"""``manage.py delete_tenant``: has a company deleted, calls it off, or carries it out at once."""

import json
import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from tenants.foundation.errors import DomainError
from tenants.lifecycle.deletion.services import (
    begin_deletion,
    cancel_deletion,
    deletion_of,
    request_deletion,
)
from tenants.lifecycle.deletion.steps import certificate_of
from tenants.lifecycle.operations import carry_out
from tenants.lifecycle.retired_names import release
from tenants.models import Tenant

ASKED_BY = "manage.py delete_tenant"


class Command(BaseCommand):
    help = "Closes a company and has it deleted after the days of grace; --cancel keeps it, --now waits for nothing."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug")
        parser.add_argument("--confirm", metavar="SLUG", help="the slug again; asked for when not given")
        what = parser.add_mutually_exclusive_group()
        what.add_argument("--cancel", action="store_true", help="keep a company that is to be deleted")
        what.add_argument("--now", action="store_true", help="do not wait for the days of grace")
        what.add_argument(
            "--release-name",
            action="store_true",
            help="let the address of a deleted company be given out again",
        )
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            result = self._carry_out(options["slug"], options)
        except DomainError as error:
            details = " ".join(line for lines in error.fields.values() for line in lines)
            raise CommandError(f"{error.message} {details}".strip()) from error
        text = "\n".join(
            f"{name}: {json.dumps(value, indent=2) if isinstance(value, dict) else value}"
            for name, value in result.items()
        )
        self.stdout.write(json.dumps(result) if options["json"] else text)

    def _carry_out(self, slug: str, options: dict[str, Any]) -> dict[str, Any]:
        if options["release_name"]:
            return {"released": release([slug, f"{slug}.{settings.BASE_DOMAIN}"])}
        tenant = Tenant.objects.filter(slug=slug).first()
        if tenant is None:
            raise CommandError(f"There is no company {slug}.")
        if options["cancel"]:
            return {"state": cancel_deletion(tenant_id=tenant.pk, asked_by=ASKED_BY).state}
        confirm = options["confirm"]
        if confirm is None and not sys.stdin.isatty():
            raise CommandError(f"Say that you mean it: --confirm {slug}")
        if confirm is None:
            confirm = input(f"Type “{slug}” to have {tenant.name} deleted: ")
        waits = deletion_of(tenant.pk)
        if waits is None:
            asked = request_deletion(tenant_id=tenant.pk, asked_by=ASKED_BY, confirm=confirm)
            after = asked.delete_after
        elif confirm != slug:
            raise CommandError("This is not the company's address.")
        else:
            after = waits.delete_after
        if not options["now"]:
            return {"state": "pending_deletion", "delete_after": after.isoformat()}
        operation = begin_deletion(tenant_id=tenant.pk, asked_by=ASKED_BY, at_once=True)
        carry_out(operation.pk)
        return {"state": "deleted", "certificate": certificate_of(tenant.pk).as_json()}
