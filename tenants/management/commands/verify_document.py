"""``manage.py verify_document``: whether an export, a certificate or a report of evidence is what was signed."""

import json
import zipfile
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from tenants.foundation import signing
from tenants.foundation.errors import DomainError
from tenants.foundation.signing import SignedDocument
from tenants.lifecycle.export.verifying import MANIFEST, differences
from tenants.secrets.signing import keys_from_set, verify_document


class Command(BaseCommand):
    help = "Verifies a signed document, or an export with all its files; with --keys offline, without any database."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "file",
            type=Path,
            help="an export's ZIP, its manifest.json, a deletion certificate, or a report of evidence",
        )
        parser.add_argument(
            "--keys", type=Path, help="what “signing_keys --json” printed, or the public URL gave"
        )
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            signed = SignedDocument.from_json(json.loads(_text_of(options["file"])))
            if options["keys"]:
                keys = keys_from_set(options["keys"].read_text("utf-8"))
                if signed.key_id not in keys:
                    raise CommandError(f"The key {signed.key_id} is not among those given.")
                signing.check(signed, public=keys[signed.key_id])
            else:
                verify_document(signed)
            files = _checked_files(options["file"], signed)
        except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
            raise CommandError(f"The file cannot be read: {error}") from error
        except DomainError as error:
            raise CommandError(error.message) from error
        kind = str(signed.document["kind"])
        result = {"is_valid": True, "kind": kind, "key_id": signed.key_id, "files": files}
        text = f"Valid: a document of the kind “{kind}”, signed with {signed.key_id}."
        if files is not None:
            text += f" All {files} files are as it lists them."
        self.stdout.write(json.dumps(result) if options["json"] else text)


def _text_of(file: Path) -> str:
    """The signed document: the file itself, or the manifest of a ZIP."""
    if not zipfile.is_zipfile(file):
        return file.read_text("utf-8")
    with zipfile.ZipFile(file) as opened:
        return opened.read(MANIFEST).decode("utf-8")


def _checked_files(file: Path, signed: SignedDocument) -> int | None:
    """How many files of a ZIP were compared; None for a document alone. Raises: CommandError."""
    if not zipfile.is_zipfile(file):
        return None
    listed = signed.document["files"]
    with zipfile.ZipFile(file) as opened:
        wrong = differences(opened, listed)
    if wrong:
        raise CommandError("\n".join(["The manifest is genuine; what lies beside it is not:", *wrong]))
    return len(listed)
