"""Many callers at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from integrations.sandbox.notion.sandbox import Sandbox
from tests.integrations.sandbox.notion import sample
from tests.integrations.sandbox.notion.conftest import Caller


def test_readers_and_writers_do_not_disturb_one_another(notion: Caller, sandbox: Sandbox) -> None:
    sandbox.set_limits(per_minute=None)
    sorts = [{"timestamp": "last_edited_time", "direction": "ascending"}]

    def write(number: int) -> int:
        body = {"parent": {"data_source_id": sample.TASKS}, "properties": {"Hours": {"number": number}}}
        return Caller(notion.base_url).post("/v1/pages", body).status

    def read(_: int) -> int:
        return Caller(notion.base_url).query(sorts=sorts, page_size=3).status

    def edit(number: int) -> int:
        sandbox.edit(
            sample.task_id(1 + number % 5), sample.BEN, {"properties": {"Hours": {"number": number}}}
        )
        return 200

    with ThreadPoolExecutor(12) as pool:
        jobs = [pool.submit(act, number) for number in range(40) for act in (write, read, edit)]
        assert {job.result() for job in jobs} == {200}
    rows = notion.query(page_size=100).body["results"]
    assert len(rows) == 45
    numbers = [row["properties"]["ID"]["unique_id"]["number"] for row in rows]
    assert sorted(numbers) == list(range(1, 46))
    assert sandbox.report()["total"] == 81


def test_the_budget_is_exact_under_pressure(notion: Caller, sandbox: Sandbox) -> None:
    sandbox.set_limits(per_minute=30)
    with ThreadPoolExecutor(12) as pool:
        statuses = list(pool.map(lambda _: Caller(notion.base_url).get("/v1/users/me").status, range(60)))
    assert (statuses.count(200), statuses.count(429)) == (30, 30)
