"""A page's content as markdown in one call."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integrations.sandbox.notion import sample
from tests.integrations.sandbox.notion.conftest import Caller
from tests.integrations.sandbox.notion.test_blocks import append, paragraph

HOME = sample.HOME.replace("-", "")
PATH = f"/v1/pages/{sample.task_id(1)}/markdown"


def run(content: str, url: str | None = None, **styles: Any) -> sample.Json:
    text: sample.Json = {"content": content} | ({"link": {"url": url}} if url else {})
    return {"text": text, "annotations": styles}


def markdown(notion: Caller, *children: Any) -> str:
    append(notion, *children)
    body = notion.get(PATH).body
    assert (body["object"], body["truncated"], body["unknown_block_ids"]) == ("page_markdown", False, [])
    made: str = body["markdown"]
    return made


def item(kind: str, content: str, *children: Any, **more: Any) -> sample.Json:
    body: sample.Json = {"rich_text": [{"text": {"content": content}}], **more}
    return {kind: body | ({"children": list(children)} if children else {})}


def test_lists_nest_with_tabs(notion: Caller) -> None:
    made = markdown(
        notion,
        item("bulleted_list_item", "a", item("bulleted_list_item", "b", item("to_do", "c", checked=True))),
        item("numbered_list_item", "first"),
        item("numbered_list_item", "second", paragraph("note")),
        paragraph("between"),
        item("numbered_list_item", "first again"),
        item("to_do", "open"),
    )
    assert made.split("\n") == [
        "- a",
        "\t- b",
        "\t\t- [x] c",
        "1. first",
        "2. second",
        "\tnote",
        "between",
        "1. first again",
        "- [ ] open",
    ]


def test_headings_quotes_and_dividers(notion: Caller) -> None:
    made = markdown(
        notion,
        item("heading_1", "One"),
        item("heading_2", "Two", color="red"),
        item("heading_3", "Three", paragraph("below"), is_toggleable=True),
        item("quote", "Said"),
        {"divider": {}},
        {"paragraph": {"rich_text": []}},
    )
    assert made.split("\n") == [
        "# One",
        '## Two {color="red"}',
        '### Three {toggle="true"}',
        "\tbelow",
        "> Said",
        "---",
        "<empty-block/>",
    ]


def test_code_is_not_escaped(notion: Caller) -> None:
    made = markdown(notion, item("code", "x = a[0] * 2\nprint(x)", language="python"))
    assert made == "```python\nx = a[0] * 2\nprint(x)\n```"


def test_a_table_is_written_with_tags(notion: Caller) -> None:
    rows = [{"table_row": {"cells": [[run("a")], [run("b")]]}}, {"table_row": {"cells": [[run("1")], []]}}]
    made = markdown(notion, {"table": {"table_width": 2, "has_column_header": True, "children": rows}})
    assert made.split("\n") == [
        '<table header-row="true">',
        "<tr>",
        "<td>a</td>",
        "<td>b</td>",
        "</tr>",
        "<tr>",
        "<td>1</td>",
        "<td></td>",
        "</tr>",
        "</table>",
    ]


@pytest.mark.parametrize(
    ("runs", "expected"),
    [
        ([run("bold", bold=True)], "**bold**"),
        ([run("a "), run("slanted", italic=True)], "a *slanted*"),
        ([run(" padded ", bold=True), run("x")], " **padded** x"),
        ([run("gone", strikethrough=True)], "~~gone~~"),
        ([run("a*b", code=True)], "`a*b`"),
        ([run("under", underline=True)], '<span underline="true">under</span>'),
        ([run("hot", color="red_background")], '<span color="red_bg">hot</span>'),
        ([run("site", "https://example.test")], "[site](https://example.test)"),
        ([run("1 * 2 < 3 [x]")], r"1 \* 2 \< 3 \[x\]"),
        ([run("two\nlines")], "two<br>lines"),
        ([{"equation": {"expression": "x^2"}}], "$`x^2`$"),
        (
            [{"mention": {"user": {"id": sample.BEN}}}],
            f'<mention-user url="user://{sample.BEN}">Ben Sample</mention-user>',
        ),
        (
            [{"mention": {"page": {"id": sample.HOME}}}],
            f'<mention-page url="https://www.notion.so/{HOME}">Team home</mention-page>',
        ),
        ([{"mention": {"date": {"start": "2026-08-01"}}}], '<mention-date start="2026-08-01"/>'),
    ],
)
def test_rich_text_inside_a_line(notion: Caller, runs: list[Any], expected: str) -> None:
    assert markdown(notion, {"paragraph": {"rich_text": runs}}) == expected


def test_what_markdown_lacks_has_tags(notion: Caller) -> None:
    made = markdown(
        notion,
        item("toggle", "More", paragraph("inside")),
        item("callout", "Careful", icon={"type": "emoji", "emoji": "⚠️"}, color="yellow_background"),
        {"equation": {"expression": "e=mc^2"}},
        {"image": {"external": {"url": "https://example.test/i.png"}, "caption": [run("plan")]}},
    )
    assert made.split("\n") == [
        "<details>",
        "<summary>More</summary>",
        "\tinside",
        "</details>",
        '<callout icon="⚠️" color="yellow_bg">',
        "\tCareful",
        "</callout>",
        "$$",
        "e=mc^2",
        "$$",
        "![plan](https://example.test/i.png)",
    ]


@pytest.mark.parametrize("kind", ["bookmark", "embed"])
def test_links_of_their_own_are_only_named(notion: Caller, kind: str) -> None:
    body = {"children": [{kind: {"url": "https://example.test"}}]}
    block = notion.patch(PATH.replace("pages", "blocks").replace("markdown", "children"), body).body[
        "results"
    ][0]

    answer = notion.get(PATH).body

    address = f"https://www.notion.so/{block['id'].replace('-', '')}"
    assert answer["markdown"] == f'<unknown url="{address}" alt="{kind}"/>'
    assert answer["unknown_block_ids"] == [block["id"]]


def test_a_page_without_content_is_empty(notion: Caller) -> None:
    assert notion.get(PATH).body["markdown"] == ""


def test_a_block_the_sandbox_cannot_show_is_listed(notion: Caller, sandbox: Any) -> None:
    parent = {"type": "page_id", "page_id": sample.task_id(1)}
    strange = sample.block("strange", parent, "unsupported", {})
    sandbox.workspace("Test Workspace").put("block", strange)
    body = notion.get(PATH).body
    assert body["unknown_block_ids"] == [strange["id"]]
    assert "<unknown" in body["markdown"]
