"""The four invented workspaces: size, believable numbers, relations that agree, repeatable by seed."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from integrations.sandbox.notion.content import DemoWorkspace, build_demo_workspaces, write_ndjson

NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
MIDNIGHT = "2026-11-20T00:00:00.000Z"
type Json = dict[str, Any]


@pytest.fixture(scope="module")
def workspaces() -> list[DemoWorkspace]:
    return [
        workspace
        for company in ("acme", "globex")
        for workspace in build_demo_workspaces(company, now=NOW, seed=7)
    ]


def _named(workspace: DemoWorkspace, kind: str) -> list[Json]:
    return [thing for thing in workspace.objects if thing["object"] == kind]


def _sources(workspace: DemoWorkspace) -> dict[str, Json]:
    return {thing["id"]: thing for thing in _named(workspace, "data_source")}


def _task_rows(workspace: DemoWorkspace) -> dict[str, list[Json]]:
    """Return the pages of each task database by its title, without the projects (the first database)."""
    sources = list(_sources(workspace).values())
    rows: dict[str, list[Json]] = {source["title"][0]["plain_text"]: [] for source in sources[1:]}
    titles = {source["id"]: source["title"][0]["plain_text"] for source in sources[1:]}
    for page in _named(workspace, "page"):
        if title := titles.get(page["parent"].get("data_source_id")):
            rows[title].append(page)
    return rows


def _title(page: Json) -> str:
    value = next(value for value in page["properties"].values() if value["type"] == "title")
    return "".join(part["plain_text"] for part in value["title"])


def test_there_are_more_than_four_thousand_tasks_and_one_large_table(workspaces: list[DemoWorkspace]) -> None:
    sizes = [len(rows) for workspace in workspaces for rows in _task_rows(workspace).values()]
    assert sum(sizes) == sum(workspace.task_count for workspace in workspaces) >= 4_200
    assert max(sizes) > 1_000
    assert len({workspace.token for workspace in workspaces}) == 4


def test_no_two_task_tables_of_different_workspaces_call_their_columns_the_same(
    workspaces: list[DemoWorkspace],
) -> None:
    columns: dict[str, set[str]] = defaultdict(set)
    types: set[str] = set()
    for workspace in workspaces:
        for source in list(_sources(workspace).values())[1:]:
            columns[workspace.key] |= {
                f"{name} {config['type']}" for name, config in source["properties"].items()
            }
            types |= {config["type"] for config in source["properties"].values()}
    for one, other in pairwise(columns):
        assert len(columns[one] & columns[other]) <= 4
    assert {
        "status",
        "select",
        "checkbox",
        "number",
        "formula",
        "rollup",
        "files",
        "unique_id",
        "email",
    } <= types


def test_titles_rarely_repeat(workspaces: list[DemoWorkspace]) -> None:
    everywhere = set()
    for workspace in workspaces:
        titles = [_title(page) for rows in _task_rows(workspace).values() for page in rows]
        assert len(set(titles)) / len(titles) > 0.985
        everywhere |= set(titles)
    assert len(everywhere) / sum(workspace.task_count for workspace in workspaces) > 0.96


def test_times_end_on_the_minute_and_lie_before_today(workspaces: list[DemoWorkspace]) -> None:
    for workspace in workspaces:
        for page in _named(workspace, "page"):
            created, edited = page["created_time"], page["last_edited_time"]
            assert created.endswith(":00.000Z")
            assert edited.endswith(":00.000Z")
            assert created <= edited < MIDNIGHT


def test_every_week_of_the_last_twelve_has_completions(workspaces: list[DemoWorkspace]) -> None:
    rows = _task_rows(workspaces[0])["Engineering & IT"]
    days = [value["start"] for page in rows if (value := page["properties"]["Completed on"]["date"])]
    weeks = Counter((NOW.date() - date.fromisoformat(day)).days // 7 for day in days)
    recent = [weeks[week] for week in range(12)]
    assert min(recent) > 20
    assert max(recent) < 4 * min(recent)


def test_the_spread_of_states_dates_and_people_is_believable(workspaces: list[DemoWorkspace]) -> None:
    rows = _task_rows(workspaces[0])["Engineering & IT"]
    states = Counter(page["properties"]["Status"]["status"]["name"] for page in rows)
    assert 0.5 < states["Done"] / len(rows) < 0.75
    assert 0.03 < states["Blocked"] / len(rows) < 0.09
    today = NOW.date().isoformat()
    unfinished = [
        page for page in rows if page["properties"]["Status"]["status"]["name"] not in ("Done", "Cancelled")
    ]
    due = [value["start"] for page in unfinished if (value := page["properties"]["Due"]["date"])]
    assert 0.06 < sum(day < today for day in due) / len(due) < 0.25
    owners = Counter(len(page["properties"]["Owner"]["people"]) for page in rows)
    assert set(owners) == {0, 1, 2, 3}
    assert owners[1] > len(rows) / 2


def test_a_quarter_of_the_tasks_has_a_body_and_some_are_nested(workspaces: list[DemoWorkspace]) -> None:
    blocks = [block for workspace in workspaces for block in _named(workspace, "block")]
    pages = {block["parent"]["page_id"] for block in blocks if block["parent"]["type"] == "page_id"}
    assert 0.2 < len(pages) / 4_600 < 0.3
    kinds = Counter(block["type"] for block in blocks)
    assert {
        "heading_2",
        "to_do",
        "bulleted_list_item",
        "table",
        "table_row",
        "code",
        "quote",
        "callout",
    } <= set(kinds)
    nested = [block for block in blocks if block["type"] == "to_do" and block["parent"]["type"] == "block_id"]
    assert len(nested) > 300


def test_parents_stand_before_their_children_and_know_of_them(workspaces: list[DemoWorkspace]) -> None:
    for workspace in workspaces:
        known: dict[str, bool] = {}
        with_children = set()
        for block in _named(workspace, "block"):
            if block["parent"]["type"] == "block_id":
                assert known[block["parent"]["block_id"]]
                with_children.add(block["parent"]["block_id"])
            known[block["id"]] = block["has_children"]
        assert with_children == {block_id for block_id, has_children in known.items() if has_children}


def test_both_sides_of_a_synced_relation_name_each_other(workspaces: list[DemoWorkspace]) -> None:
    for workspace in workspaces:
        pages = {page["id"]: page for page in _named(workspace, "page")}
        by_id = {
            (source_id, config["id"]): name
            for source_id, source in _sources(workspace).items()
            for name, config in source["properties"].items()
        }
        for source_id, source in _sources(workspace).items():
            for name, config in source["properties"].items():
                if config["type"] != "relation" or config["relation"]["type"] != "dual_property":
                    continue
                other = config["relation"]["data_source_id"]
                back = by_id[other, config["relation"]["dual_property"]["synced_property_id"]]
                for page in pages.values():
                    if page["parent"].get("data_source_id") != source_id:
                        continue
                    for reference in page["properties"][name]["relation"]:
                        returned = pages[reference["id"]]["properties"][back]["relation"]
                        assert {"id": page["id"]} in returned


def test_projects_have_ten_to_sixty_tasks_and_some_relations_pass_twenty_five(
    workspaces: list[DemoWorkspace],
) -> None:
    long_relations = 0
    for workspace in workspaces:
        projects = next(iter(_sources(workspace)))
        for page in _named(workspace, "page"):
            if page["parent"].get("data_source_id") != projects:
                continue
            sizes = [
                len(value["relation"]) for value in page["properties"].values() if value["type"] == "relation"
            ]
            assert 10 <= sum(sizes) <= 60
        for rows in _task_rows(workspace).values():
            long_relations += sum(
                len(value["relation"]) > 25
                for page in rows
                for value in page["properties"].values()
                if value["type"] == "relation"
            )
    assert 4 <= long_relations <= 40


def test_blockers_form_no_circle(workspaces: list[DemoWorkspace]) -> None:
    rows = _task_rows(workspaces[0])["Engineering & IT"]
    numbers = {page["id"]: page["properties"]["ID"]["unique_id"]["number"] for page in rows}
    for page in rows:
        for blocker in page["properties"]["Blocked by"]["relation"]:
            assert numbers[blocker["id"]] < numbers[page["id"]]


def test_there_are_titles_that_careless_software_breaks_on(workspaces: list[DemoWorkspace]) -> None:
    titles = {_title(page) for workspace in workspaces for page in _named(workspace, "page")}
    assert "" in titles
    assert any("<script>" in title for title in titles)
    assert any(len(title) > 2_000 for title in titles)
    assert any("\u0600" <= character <= "\u06ff" for title in titles for character in title)


def test_addresses_are_of_invented_domains_and_one_guest_hides_it(workspaces: list[DemoWorkspace]) -> None:
    for workspace in workspaces:
        people = [user for user in _named(workspace, "user") if user["type"] == "person"]
        addresses = [user["person"]["email"] for user in people if "email" in user["person"]]
        assert len(people) - len(addresses) == 1
        assert len(set(addresses)) == len(addresses) >= 20
        assert all(
            address.isascii() and address.endswith(f"@{workspace.company}.example") for address in addresses
        )


def test_a_person_has_the_same_id_in_both_workspaces_of_a_company(workspaces: list[DemoWorkspace]) -> None:
    one, other, *_ = workspaces
    assert {user["id"] for user in _named(one, "user")} == {user["id"] for user in _named(other, "user")}


def test_the_same_seed_and_day_give_the_same_file_and_another_day_the_same_ids(tmp_path: Path) -> None:
    first, again, tomorrow = (
        build_demo_workspaces("globex", now=now, seed=11)[1]
        for now in (NOW, NOW + timedelta(hours=9), NOW + timedelta(days=1))
    )
    for workspace, name in ((first, "first"), (again, "again"), (tomorrow, "tomorrow")):
        write_ndjson(workspace, tmp_path / name)
    assert (tmp_path / "first").read_bytes() == (tmp_path / "again").read_bytes()
    assert (tmp_path / "first").read_bytes() != (tmp_path / "tomorrow").read_bytes()
    assert list(_sources(first)) == list(_sources(tomorrow))


def test_the_file_has_one_object_a_line_and_begins_with_the_workspace(
    workspaces: list[DemoWorkspace], tmp_path: Path
) -> None:
    path = tmp_path / "deep" / "acme.ndjson"
    write_ndjson(workspaces[0], path)
    lines = path.read_text(encoding="utf-8").split("\n")
    assert lines.pop() == ""
    assert [json.loads(line) for line in lines] == list(workspaces[0].objects)
    assert json.loads(lines[0])["object"] == "sandbox_workspace"
    assert json.loads(lines[0])["tokens"] == [workspaces[0].token]
