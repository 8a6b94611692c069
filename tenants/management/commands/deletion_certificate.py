"""``manage.py deletion_certificate``: the signed certificate of a deleted company."""

import json
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser

from tenants.lifecycle.deletion.steps import certificate_of
from tenants.models import DeletionCertificate


class Command(BaseCommand):
    help = "Prints the certificate of a deleted company; without an id lists the certificates there are."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("company", nargs="?", type=UUID, help="the id the company had")
        parser.add_argument(
            "--json", action="store_true", help="print the list as JSON; a certificate always is"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["company"] is None:
            self._list(as_json=options["json"])
            return
        try:
            signed = certificate_of(options["company"])
        except DeletionCertificate.DoesNotExist as error:
            raise CommandError("There is no certificate of such a company.") from error
        self.stdout.write(json.dumps(signed.as_json(), indent=2, ensure_ascii=False))

    def _list(self, *, as_json: bool) -> None:
        rows = DeletionCertificate.objects.order_by("issued_at").values_list("tenant_id", "issued_at")
        if as_json:
            told = [{"company": str(tenant_id), "issued_at": at.isoformat()} for tenant_id, at in rows]
            self.stdout.write(json.dumps(told))
            return
        for tenant_id, at in rows:
            self.stdout.write(f"{tenant_id}  {at:%Y-%m-%d %H:%M}")
