"""Every line of the log that is written in a company's scope says whose it is."""

import asyncio
import io
import json
import logging
import threading
from collections.abc import Iterator

import pytest
import structlog
from django.conf import settings

from tenants.dispatch import Work, enqueue
from tenants.dispatch.running import run_item
from tenants.foundation.logs import configure_logging
from tenants.tenancy import TenantRef, atomic, cell_scope, tenant_scope
from tests.tenants.dispatch.conftest import Register, the_row
from tests.tenants.dispatch.conftest import job as job

log = structlog.get_logger(__name__)


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """The log as it is written in production."""
    stream = io.StringIO()
    structlog.contextvars.clear_contextvars()
    configure_logging("INFO", as_json=True, stream=stream)
    yield stream
    configure_logging(settings.ENV.log_level, as_json=settings.ENV.log_json)


def written(lines: io.StringIO) -> list[tuple[str, object]]:
    """(event, company) of each line."""
    return [(line["event"], line.get("tenant")) for line in map(json.loads, lines.getvalue().splitlines())]


def test_our_lines_and_those_of_libraries_carry_the_company(
    lines: io.StringIO, tenant: TenantRef, other_tenant: TenantRef
) -> None:
    log.info("thing.seen")
    logging.getLogger("some.library").warning("thing.told")
    with tenant_scope(other_tenant):
        log.info("thing.visited")
        with cell_scope(tenant.cell):
            log.info("thing.asked")
    log.info("thing.left")
    assert written(lines) == [
        ("thing.seen", tenant.slug),
        ("thing.told", tenant.slug),
        ("thing.visited", other_tenant.slug),
        ("thing.asked", other_tenant.slug),
        ("thing.left", tenant.slug),
    ]


def test_a_line_after_an_exception_is_nobody_elses(
    lines: io.StringIO, tenant: TenantRef, other_tenant: TenantRef
) -> None:
    with pytest.raises(LookupError), tenant_scope(other_tenant):
        raise LookupError
    log.info("thing.mended")
    assert written(lines) == [("thing.mended", tenant.slug)]


def test_a_thread_without_a_scope_writes_nobodys_lines(lines: io.StringIO, tenant: TenantRef) -> None:
    thread = threading.Thread(target=lambda: log.info("thing.seen"))
    thread.start()
    thread.join()
    assert written(lines) == [("thing.seen", None)]


def test_tasks_of_an_event_loop_write_their_own(
    lines: io.StringIO, tenant: TenantRef, other_tenant: TenantRef
) -> None:
    async def one(ref: TenantRef) -> None:
        with tenant_scope(ref):
            await asyncio.sleep(0.001)
            log.info("thing.seen", expected=ref.slug)
            await asyncio.sleep(0.001)

    async def several() -> None:
        await asyncio.gather(*(one(ref) for ref in (tenant, other_tenant) * 5))

    # In a thread of its own: another test's loop may be open here.
    thread = threading.Thread(target=lambda: asyncio.run(several()))
    thread.start()
    thread.join()
    found = [json.loads(line) for line in lines.getvalue().splitlines() if "thing.seen" in line]
    assert len(found) == 10
    assert all(line["tenant"] == line["expected"] for line in found)


def test_a_jobs_lines_carry_its_company_and_its_id_to_the_last(
    lines: io.StringIO, tenant: TenantRef, other_tenant: TenantRef, job: Register
) -> None:
    def work_on(work: Work) -> None:
        log.info("thing.done")

    job("test.look")(work_on)
    with atomic():
        enqueue("test.look")
    row = the_row(tenant, "test.look")
    with tenant_scope(other_tenant):
        run_item(tenant.cell, row.pk, has_heartbeat=False)
        log.info("thing.left")
    found = {line["event"]: line for line in map(json.loads, lines.getvalue().splitlines())}
    for event in ("thing.done", "job.ended"):
        assert (found[event]["tenant"], found[event]["job_id"]) == (tenant.slug, str(row.pk))
    assert found["thing.left"]["tenant"] == other_tenant.slug
