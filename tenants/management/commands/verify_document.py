"""``manage.py verify_document``: whether an export's manifest or a deletion certificate is what was signed."""

import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from tenants.foundation import signing
from tenants.foundation.errors import DomainError
from tenants.foundation.signing import SignedDocument
from tenants.secrets.signing import keys_from_set, verify_document


class Command(BaseCommand):
    help = "Verifies a signed document; with --keys offline, without any database."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help="manifest.json of an export, or a deletion certificate")
        parser.add_argument(
            "--keys", type=Path, help="what “signing_keys --json” printed, or the public URL gave"
        )
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            signed = SignedDocument.from_json(json.loads(options["file"].read_text("utf-8")))
            if options["keys"]:
                keys = keys_from_set(options["keys"].read_text("utf-8"))
                if signed.key_id not in keys:
                    raise CommandError(f"The key {signed.key_id} is not among those given.")
                signing.check(signed, public=keys[signed.key_id])
            else:
                verify_document(signed)
        except (OSError, ValueError) as error:
            raise CommandError(f"The file cannot be read: {error}") from error
        except DomainError as error:
            raise CommandError(error.message) from error
        kind = str(signed.document["kind"])
        result = {"is_valid": True, "kind": kind, "key_id": signed.key_id}
        text = f"Valid: a document of the kind “{kind}”, signed with {signed.key_id}."
        self.stdout.write(json.dumps(result) if options["json"] else text)
