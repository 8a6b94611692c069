"""``manage.py export_tenant``: everything of one company into one ZIP, from the shell."""

import json
import os
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from tenants.foundation.errors import DomainError
from tenants.lifecycle.export.services import begin_export, exports_of, file_name, read_export
from tenants.lifecycle.operations import carry_out
from tenants.models import Tenant


class Command(BaseCommand):
    help = "Exports a company: tables as NDJSON and CSV, uploaded files, a signed manifest, in one ZIP."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug")
        parser.add_argument("--to", type=Path, required=True, help="the folder for the ZIP")
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        tenant = Tenant.objects.filter(slug=options["slug"]).first()
        if tenant is None:
            raise CommandError(f"There is no company {options['slug']}.")
        try:
            operation = carry_out(begin_export(tenant_id=tenant.pk, asked_by="manage.py export_tenant").pk)
        except DomainError as error:
            raise CommandError(error.message) from error
        export = next(each for each in exports_of(tenant.pk) if each.id == operation.pk)
        if not export.is_ready:
            raise CommandError(f"The export is {export.state}: {export.error}")
        options["to"].mkdir(parents=True, exist_ok=True)
        target = options["to"] / file_name(tenant.slug, export)
        if target.exists():
            # Two exports of one minute have one name.
            target = target.with_stem(f"{target.stem}-{export.id}")
        # Nobody else on this machine may read it: what lies in the clear is the whole company.
        with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            for part in read_export(tenant_id=tenant.pk, export_id=export.id):
                file.write(part)
        result = {
            "file": str(target), "bytes": export.bytes, "sha256": export.sha256, "rows": export.rows,
            "export_id": str(export.id),
        }  # fmt: skip
        text = f"{target}: {export.rows} rows, {export.bytes} bytes, SHA-256 {export.sha256}"
        self.stdout.write(json.dumps(result) if options["json"] else text)
