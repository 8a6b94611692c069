"""``manage.py brand``: a company's brand as JSON with its images beside it, shown, taken in and published."""

import json
from pathlib import Path
from typing import Any

from django.core.files.storage import default_storage
from django.core.management.base import BaseCommand, CommandError, CommandParser

from tenants.accounts.access import SystemActor
from tenants.branding import services
from tenants.branding.carrying_over import brand_as_json, take_brand
from tenants.branding.selectors import brand_in_work
from tenants.branding.values import BrandValues
from tenants.foundation.errors import DomainError
from tenants.models import Tenant
from tenants.tenancy import atomic, tenant_scope

SHELL = SystemActor(name="shell")
# More is no picture anybody would show on a page.
MOST_BYTES = 4 * 1024 * 1024


class Command(BaseCommand):
    help = "Shows, exports, takes in and publishes how a company looks."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("action", choices=("show", "export", "import", "publish"))
        parser.add_argument("slug", help="the first label of the company's host name")
        parser.add_argument(
            "file", nargs="?", help="the JSON file of an export or import; images lie beside it"
        )
        parser.add_argument("--publish", action="store_true", help="publish what was taken in")

    def handle(self, *args: Any, **options: Any) -> None:
        tenant = Tenant.objects.filter(slug=options["slug"]).first()
        if tenant is None:
            raise CommandError(f"There is no company {options['slug']}.")
        action, file = options["action"], options["file"]
        if action in ("export", "import") and not file:
            raise CommandError("Name the file.")
        try:
            with tenant_scope(tenant.ref):
                if action == "import":
                    self._import(Path(file))
                if action == "publish" or (action == "import" and options["publish"]):
                    services.publish_draft(actor=SHELL)
                    self.stderr.write("Published.")
                with atomic():
                    now = brand_in_work(actor=SHELL)
                if action == "export":
                    self._export(now.published, Path(file))
                elif action == "show":
                    shown = {"version": now.version, "published": _shown(now.published)}
                    shown["draft"] = _shown(now.draft) if now.draft else None
                    self.stdout.write(json.dumps(shown, indent=2, ensure_ascii=False))
        except DomainError as error:
            lines = [f"{name}: {line}" for name, found in error.fields.items() for line in found]
            raise CommandError("\n".join(lines) or error.message) from error
        except (OSError, ValueError) as error:
            raise CommandError(str(error)) from error

    def _import(self, file: Path) -> None:
        given = json.loads(file.read_text(encoding="utf-8"))
        now = take_brand(actor=SHELL, given=given, read=lambda path: _content(file.parent / path))
        self.stderr.write(f"In the draft, version {now.version}.")

    def _export(self, values: BrandValues, file: Path) -> None:
        names = {}
        for slot, image in values.images.items():
            names[slot] = f"{file.stem}-{slot}.png"
            with default_storage.open(services.image_name(image.digest, "full")) as source:
                file.with_name(names[slot]).write_bytes(source.read())
        document = brand_as_json(values, files=names)
        file.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        self.stderr.write(f"{file} and {len(names)} images.")


def _shown(values: BrandValues) -> dict[str, Any]:
    return brand_as_json(values, files={slot: image.digest for slot, image in values.images.items()})


def _content(path: Path) -> bytes:
    if path.stat().st_size > MOST_BYTES:
        raise ValueError(f"{path.name} is too large for an image of a brand.")
    return path.read_bytes()
