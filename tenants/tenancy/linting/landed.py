"""Which migrations have landed: their files may not change any more, and the lint leaves them alone."""

import hashlib
import sys
import tomllib
from pathlib import Path
from typing import Final

from django.apps import apps
from django.conf import settings
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.migration import Migration

from tenants.tenancy.template import Key

LANDED: Final = Path(__file__).parent.parent / "landed_migrations.toml"
HEAD: Final = """\
# Migrations that databases out there have, with the hashes of their files: such a file may not change any more.
# "manage.py lint_migrations --land" adds those that a release has brought.
"""


def landed_migrations(path: Path = LANDED) -> dict[Key, str]:
    """Migration → SHA-256 of its file when it landed."""
    if not path.exists():
        return {}
    tables = tomllib.loads(path.read_text())
    return {(app, name): str(digest) for app, names in tables.items() for name, digest in names.items()}


def land(migrations: dict[Key, Path], path: Path = LANDED) -> list[Key]:
    """Write down that ``migrations`` (with their files) have landed; returns those that are new."""
    known = landed_migrations(path)
    new = [key for key in sorted(migrations) if key not in known]
    known.update({key: digest_of(migrations[key]) for key in new})
    lines = [HEAD]
    for app in sorted({key[0] for key in known}):
        lines += [f"[{app}]", *(f'{name} = "{known[a, name]}"' for a, name in sorted(known) if a == app), ""]
    path.write_text("\n".join(lines))
    return new


def digest_of(file: Path) -> str:
    """The hash of a migration's file, the same whatever ends its lines."""
    return hashlib.sha256(file.read_bytes().replace(b"\r\n", b"\n")).hexdigest()


def own_migrations(loader: MigrationLoader) -> dict[Key, Migration]:
    """The migrations of this repository's apps, as they apply one after the other; others are not ours to judge."""
    root = Path(settings.BASE_DIR)
    own = {
        config.label
        for config in apps.get_app_configs()
        if Path(config.path).is_relative_to(root) and "site-packages" not in Path(config.path).parts
    }
    order: dict[Key, Migration] = {}
    for leaf in sorted(loader.graph.leaf_nodes()):
        for key in loader.graph.forwards_plan(leaf):
            if key[0] in own and loader.disk_migrations.get(key) is not None:
                order.setdefault(key, loader.disk_migrations[key])
    return order


def file_of(migration: Migration) -> Path:
    """Where a migration is written."""
    return Path(str(sys.modules[type(migration).__module__].__file__))
