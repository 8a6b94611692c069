"""Files: each company's lie in a folder of its own, and none can be named from another company's scope."""

from pathlib import Path
from typing import Any

from django.core.files.storage import FileSystemStorage
from django.utils.deconstruct import deconstructible

from tenants.tenancy.context import current_tenant


@deconstructible
class TenantStorage(FileSystemStorage):
    """``STORAGES["default"]``: names are relative to the current tenant's folder below ``location``.

    Files and folders are readable by the product's own account only, and have no public address: whoever may have one
    gets it from a view that asks first.

    Raises: NoTenant outside a tenant's scope, SuspiciousFileOperation for a name that leads out of the folder.
    """

    #: Exports and deletions rely on it: everything this storage lists is the current tenant's.
    is_per_tenant = True

    def __init__(self, location: str | Path) -> None:
        self._root = Path(location).resolve()
        super().__init__(
            location=str(self._root), file_permissions_mode=0o600, directory_permissions_mode=0o700
        )

    @property
    def base_location(self) -> str:
        """The current tenant's folder; it need not exist."""
        return str(self._root / str(current_tenant().id))

    @property
    def location(self) -> str:
        """The same: it is absolute already."""
        return self.base_location

    def url(self, name: str | None) -> str:
        """Raises: ValueError, always: no file is served by its name."""
        raise ValueError("A company's file has no public address.")

    def get_available_name(self, name: str, max_length: int | None = None) -> str:
        """A free name in the tenant's folder; whether ``name`` stays inside is known before anything is looked up."""
        self.path(name)
        found: Any = super().get_available_name(name, max_length)
        return str(found)
