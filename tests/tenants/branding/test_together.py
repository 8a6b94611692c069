"""The brand with really committed rows: two at once, other processes, exports, an interrupted publisher."""

import io
import json
import threading
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.db import connections
from pytest_django import Settings

from tenants.accounts.access import SYSTEM
from tenants.branding import services
from tenants.branding.drawing import drawn_for
from tenants.branding.models import Brand
from tenants.branding.remembering import PublishedBrands
from tenants.branding.selectors import brand_in_work
from tenants.foundation.errors import Conflict
from tenants.lifecycle.export.keeping import open_archive
from tenants.lifecycle.export.services import begin_export
from tenants.lifecycle.export.stored_files import delete_stored_files, stored_files
from tenants.lifecycle.operations import run_operation
from tenants.models import Operation, Tenant
from tenants.tenancy import TenantRef, atomic, tenant_scope
from tenants.tenancy.directory import directory
from tests.fakes.dispatch import run_due_work
from tests.tenants.branding.pictures import PLAIN_SVG


@pytest.fixture
def company(committed_tenant: TenantRef) -> Iterator[TenantRef]:
    yield committed_tenant
    delete_stored_files(committed_tenant)
    Operation.objects.filter(tenant_id=committed_tenant.id).delete()


def at_once(tenant: TenantRef, *acts: Callable[[], object]) -> list[str]:
    """Do things at the same moment, each on a connection of its own; how each of them ended."""
    gate, ends = threading.Barrier(len(acts), timeout=30), []

    def run(act: Callable[[], object]) -> None:
        try:
            with tenant_scope(tenant):
                gate.wait()
                act()
            ends.append("done")
        except Conflict as error:
            ends.append(error.code)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=[act]) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    return sorted(ends)


def test_of_two_who_save_at_the_same_moment_one_is_told(company: TenantRef) -> None:
    def save(text: str) -> Callable[[], object]:
        return lambda: services.change_draft(actor=SYSTEM, texts={"headline": text}, seen=0)

    assert at_once(company, save("one"), save("two")) == ["conflict.brand_changed", "done"]
    with tenant_scope(company), atomic():
        assert Brand.objects.get().headline in ("one", "two")


def test_of_two_who_publish_at_the_same_moment_one_is_told_and_the_directory_has_what_was_published(
    company: TenantRef,
) -> None:
    with tenant_scope(company):
        seen = services.change_draft(actor=SYSTEM, texts={"name": "Halden Foods", "color": "#ffd400"}).version
    ends = at_once(company, *(2 * [lambda: services.publish_draft(actor=SYSTEM, seen=seen)]))
    assert ends == ["conflict.brand_changed", "done"]
    row = Tenant.objects.get(pk=company.id)
    assert (row.name, row.brand_color) == ("Halden Foods", "#ffd400")


def test_another_process_sees_what_was_published_as_soon_as_the_directory_says_so(company: TenantRef) -> None:
    elsewhere = PublishedBrands()
    before = directory.by_id(company.id)
    assert before is not None
    assert elsewhere.of(before).headline == ""
    with tenant_scope(company):
        services.change_draft(actor=SYSTEM, texts={"headline": "Hello"})
        services.publish_draft(actor=SYSTEM)
    after = directory.by_id(company.id)
    assert after is not None
    assert elsewhere.of(after).headline == "Hello"


def test_if_the_publisher_dies_before_the_directory_knows_a_job_tells_it(
    company: TenantRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as dying, tenant_scope(company):
        dying.setattr(services, "on_commit", lambda act: None)
        services.change_draft(actor=SYSTEM, texts={"name": "Halden Foods"})
        services.publish_draft(actor=SYSTEM)
    assert Tenant.objects.get(pk=company.id).name != "Halden Foods"
    run_due_work(company)
    assert Tenant.objects.get(pk=company.id).name == "Halden Foods"


def test_an_export_takes_the_brand_along_and_a_deletion_leaves_no_file(
    company: TenantRef, settings: Settings, tmp_path: Path
) -> None:
    settings.EXPORTS_DIR = tmp_path / "exports"
    image = drawn_for("light", PLAIN_SVG)
    with tenant_scope(company):
        services.set_image(actor=SYSTEM, slot="light", image=image)
        services.publish_draft(actor=SYSTEM)
        assert brand_in_work(actor=SYSTEM).published.images["light"].digest == image.digest
    operation = run_operation(begin_export(tenant_id=company.id, asked_by="Olga Owner-Example").pk)
    with zipfile.ZipFile(io.BytesIO(b"".join(open_archive(company.id, operation.pk)))) as archive:
        names = archive.namelist()
        (file,) = [name for name in names if name.endswith(f"branding/{image.digest}/full.png")]
        assert archive.read(file) == image.pictures["full"].content
        (rows,) = [name for name in names if "branding_brand." in name and name.endswith(".ndjson")]
        assert json.loads(archive.read(rows).splitlines()[0])["images"]["light"]["digest"] == image.digest
    delete_stored_files(company)
    assert list(stored_files(company)) == []
