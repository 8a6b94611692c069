"""The files a company uploaded, read from its own part of the storage."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from django.core.files.storage import default_storage

from tenants.tenancy import TenantRef, tenant_scope

PART_BYTES: Final = 256 * 1024


@dataclass(frozen=True, slots=True)
class StoredFile:
    """One file by its name in the company's storage, with slashes."""

    tenant: TenantRef
    name: str

    @contextmanager
    def opened(self) -> Iterator[Iterator[bytes]]:
        """The content, a part at a time."""
        with tenant_scope(self.tenant), default_storage.open(self.name, "rb") as file:
            yield iter(lambda: file.read(PART_BYTES), b"")


def is_per_tenant() -> bool:
    """Whether the configured storage keeps companies apart; if not, nothing in it is anybody's."""
    return bool(getattr(default_storage, "is_per_tenant", False))


def stored_files(tenant: TenantRef) -> Iterator[StoredFile]:
    """Every file of the company, folder after folder."""
    if is_per_tenant():
        with tenant_scope(tenant):
            names = list(_walk(""))
        yield from (StoredFile(tenant, name) for name in names)


def delete_stored_files(tenant: TenantRef) -> None:
    """Delete every file of the company, and its folders with them."""
    for stored in stored_files(tenant):
        with tenant_scope(tenant):
            default_storage.delete(stored.name)
    if is_per_tenant():
        with tenant_scope(tenant):
            for folder in [*_folders(""), "."]:
                default_storage.delete(folder)


def _walk(folder: str) -> Iterator[str]:
    try:
        folders, files = default_storage.listdir(folder)
    except FileNotFoundError:
        return
    for name in sorted(files):
        yield f"{folder}{name}"
    for name in sorted(folders):
        yield from _walk(f"{folder}{name}/")


def _folders(folder: str) -> Iterator[str]:
    """Every folder below this one, the deepest first."""
    try:
        folders, _files = default_storage.listdir(folder)
    except FileNotFoundError:
        return
    for name in folders:
        yield from _folders(f"{folder}{name}/")
        yield f"{folder}{name}"
