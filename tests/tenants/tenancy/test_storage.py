"""Files lie in a folder of their company, and no name leads out of it."""

import stat
from pathlib import Path

import pytest
from django.core.exceptions import SuspiciousFileOperation
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from tenants.tenancy import NoTenant, TenantRef, cell_scope, tenant_scope
from tenants.tenancy.storage import TenantStorage


@pytest.fixture
def storage(tmp_path: Path) -> TenantStorage:
    return TenantStorage(tmp_path / "files")


def test_the_products_storage_is_the_one_that_keeps_companies_apart() -> None:
    assert isinstance(default_storage._wrapped, TenantStorage)  # type: ignore[attr-defined]
    assert default_storage.is_per_tenant  # type: ignore[attr-defined]


def test_the_same_name_of_two_companies_is_two_files(
    storage: TenantStorage, tenant: TenantRef, other_tenant: TenantRef
) -> None:
    assert storage.save("letters/one.txt", ContentFile(b"north")) == "letters/one.txt"
    with tenant_scope(other_tenant):
        assert not storage.exists("letters/one.txt")
        with pytest.raises(FileNotFoundError):
            storage.open("letters/one.txt")
        storage.save("letters/one.txt", ContentFile(b"south"))
        storage.delete("letters/one.txt")
    with storage.open("letters/one.txt") as file:
        assert file.read() == b"north"
    assert storage.listdir("letters") == ([], ["one.txt"])


def test_a_taken_name_gets_another_and_nothing_is_overwritten(
    storage: TenantStorage, tenant: TenantRef
) -> None:
    first, second = (storage.save("a.txt", ContentFile(text)) for text in (b"1", b"2"))
    assert first != second
    with storage.open(first) as file:
        assert file.read() == b"1"


def test_files_are_the_accounts_own(storage: TenantStorage, tenant: TenantRef) -> None:
    path = Path(storage.path(storage.save("letters/one.txt", ContentFile(b"x"))))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert str(tenant.id) in path.parts


def test_without_a_company_there_are_no_files(storage: TenantStorage, database: None) -> None:
    for use in (
        lambda: storage.save("a.txt", ContentFile(b"x")),
        lambda: storage.open("a.txt"),
        lambda: storage.exists("a.txt"),
        lambda: storage.delete("a.txt"),
        lambda: storage.listdir(""),
        lambda: storage.size("a.txt"),
    ):
        with pytest.raises(NoTenant):
            use()
    with cell_scope("cell_1"), pytest.raises(NoTenant):
        storage.open("a.txt")


@pytest.mark.parametrize("kind", ["up", "deep", "absolute", "id"])
def test_no_name_leads_out_of_the_folder(
    storage: TenantStorage, tenant: TenantRef, other_tenant: TenantRef, kind: str
) -> None:
    with tenant_scope(other_tenant):
        storage.save("secret.txt", ContentFile(b"south"))
        theirs = storage.path("secret.txt")
    name = {
        "up": f"../{other_tenant.id}/secret.txt",
        "deep": f"a/../../{other_tenant.id}/secret.txt",
        "absolute": theirs,
        "id": f"letters/../../{other_tenant.id}/secret.txt",
    }[kind]
    for use in (
        lambda: storage.open(name),
        lambda: storage.exists(name),
        lambda: storage.delete(name),
        lambda: storage.size(name),
        lambda: storage.save(name, ContentFile(b"north")),
        lambda: storage.listdir(str(Path(name).parent)),
    ):
        with pytest.raises(SuspiciousFileOperation):
            use()
    with tenant_scope(other_tenant), storage.open("secret.txt") as file:
        assert file.read() == b"south"


def test_no_file_has_a_public_address(storage: TenantStorage, tenant: TenantRef) -> None:
    with pytest.raises(ValueError, match="no public address"):
        storage.url(storage.save("a.txt", ContentFile(b"x")))
