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

    def handle(self, *args: Any, **options: Any) -> None:
        if options["company"] is None:
            for row in DeletionCertificate.objects.order_by("issued_at"):
                self.stdout.write(f"{row.tenant_id}  {row.issued_at:%Y-%m-%d %H:%M}")
            return
        try:
            signed = certificate_of(options["company"])
        except DeletionCertificate.DoesNotExist as error:
            raise CommandError("There is no certificate of such a company.") from error
        self.stdout.write(json.dumps(signed.as_json(), indent=2, ensure_ascii=False))
