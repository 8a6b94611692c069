"""Content written as markdown: what stays the same stays the same block."""

from __future__ import annotations

from typing import Any

import pytest

from integrations.sandbox.notion.sandbox import Sandbox
from tests.integrations.sandbox.notion import sample
from tests.integrations.sandbox.notion.conftest import Caller, Reply
from tests.integrations.sandbox.notion.sample import ADA, Json

PAGE = f"/v1/pages/{sample.task_id(1)}/markdown"
CHILDREN = f"/v1/blocks/{sample.task_id(1)}/children"
EVERYTHING = """# One {color="red"}
## Two
### Three {toggle="true"}
\tbelow
#### Four
plain with **bold**, *italic*, ~~gone~~, `code`, [a link](https://x.example) and $`a^2`$
two<br>lines and a \\* star
<span underline="true" color="blue_bg">marked</span>
- a
\t- b
\t\t- [x] c
1. first
2. second
\tnote
- [ ] open
> said
---
<empty-block/>
```python
x = a[0] * 2
\tprint(x)
```
$$
e = mc^2
$$
<details color="green">
<summary>More</summary>
\tinside
</details>
<callout icon="💡" color="gray_bg">
\tNote
\tand more
</callout>
<columns>
\t<column>
\t\tleft
\t</column>
\t<column>
\t\tright
\t</column>
</columns>
<table header-row="true">
<tr>
<td>a</td>
<td>**b**</td>
</tr>
<tr>
<td>1</td>
<td></td>
</tr>
</table>
<table_of_contents/>
![a picture](https://files.example/a.png)
<pdf src="https://files.example/a.pdf">a paper</pdf>"""


def command(notion: Caller, kind: str, **more: Any) -> Reply:
    return notion.patch(PAGE, {"type": kind, kind: more})


def replace(notion: Caller, text: str, **more: Any) -> Reply:
    return command(notion, "replace_content", new_str=text, **more)


def written(reply: Reply) -> str:
    assert reply.status == 200, reply.body
    text: str = reply.body["markdown"]
    return text


def test_everything_markdown_can_say_is_read_back_as_it_was_written(notion: Caller) -> None:
    assert written(replace(notion, EVERYTHING)) == EVERYTHING
    assert notion.get(PAGE).body["markdown"] == EVERYTHING
    kinds = [block["type"] for block in notion.get(CHILDREN).body["results"]]
    assert {"column_list", "table", "callout", "toggle", "equation", "heading_4", "pdf"} <= set(kinds)


def test_mentions_are_read_back(notion: Caller) -> None:
    page = sample.task_id(2)
    text = (
        f'<mention-user url="user://{ADA}">Ada Sample</mention-user> on '
        f'<mention-date start="2026-07-01"/> about '
        f'<mention-page url="https://www.notion.so/{page.replace("-", "")}">Task 2</mention-page>'
    )
    assert written(replace(notion, text)) == text
    runs = notion.get(CHILDREN).body["results"][0]["paragraph"]["rich_text"]
    assert [run["type"] for run in runs] == ["mention", "text", "mention", "text", "mention"]


def test_blocks_that_stay_keep_their_ids(notion: Caller) -> None:
    replace(notion, "a\nb\n- c\n\t- d\ne")
    before = notion.get(CHILDREN).ids
    assert written(replace(notion, "new\na\n- c\n\t- changed\ne")) == "new\na\n- c\n\t- changed\ne"
    after = notion.get(CHILDREN).ids
    assert after[1:] == [before[0], *before[2:]]
    assert after[0] not in before


def test_the_same_text_again_changes_nothing(notion: Caller, sandbox: Sandbox) -> None:
    replace(notion, EVERYTHING)
    before = notion.get(CHILDREN).ids
    assert replace(notion, EVERYTHING).status == 200
    assert notion.get(CHILDREN).ids == before


def test_content_is_inserted_at_the_end_at_the_start_and_after_a_selection(notion: Caller) -> None:
    replace(notion, "# Head\nfirst words here\nlast")
    command(notion, "insert_content", content="end")
    command(notion, "insert_content", content="middle", after="first...here")
    # The place is newer than the document the requests of these tests are held against.
    version, notion.version = notion.version, "2025-09-03"
    made = command(notion, "insert_content", content="start", position={"type": "start"})
    notion.version = version
    assert written(made) == "start\n# Head\nfirst words here\nmiddle\nlast\nend"


def test_a_range_is_replaced(notion: Caller) -> None:
    replace(notion, "a\nfrom here\nand\nto there\nz")
    made = command(notion, "replace_content_range", content="- new", content_range="from...there")
    assert written(made) == "a\n- new\nz"


def test_text_is_found_and_replaced(notion: Caller) -> None:
    replace(notion, "one two\ntwo three")
    updates = [{"old_str": "one two", "new_str": "one"}, {"old_str": "three", "new_str": "four"}]
    assert written(command(notion, "update_content", content_updates=updates)) == "one\ntwo four"
    both = [{"old_str": "o", "new_str": "0", "replace_all_matches": True}]
    assert written(command(notion, "update_content", content_updates=both)) == "0ne\ntw0 f0ur"


@pytest.mark.parametrize(
    ("updates", "message"),
    [
        ([{"old_str": "absent", "new_str": ""}], "Could not find"),
        ([{"old_str": "a", "new_str": ""}], "Found 2 matches"),
        ([{"old_str": "", "new_str": ""}], "length"),
        ([{"old_str": "a"}], "new_str"),
    ],
)
def test_what_cannot_be_found_or_is_found_twice_is_refused(
    notion: Caller, updates: list[Json], message: str
) -> None:
    replace(notion, "a\na")
    reply = command(notion, "update_content", content_updates=updates)
    assert reply.status == 400
    assert message in reply.body["message"]
    assert notion.get(PAGE).body["markdown"] == "a\na"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"type": "erase"},
        {"type": "replace_content"},
        {"type": "replace_content", "replace_content": {"new_str": 5}},
        {"type": "replace_content", "replace_content": {"new_str": ""}, "insert_content": {}},
        {"type": "replace_content", "replace_content": {"new_str": "", "force": True}},
        {"type": "insert_content", "insert_content": {"content": "x", "after": "nowhere"}},
        {"type": "replace_content_range", "replace_content_range": {"content": "", "content_range": "a...zz"}},
        {"type": "replace_content", "replace_content": {"new_str": "<page url=\"https://www.notion.so/"
                                                        "00000000000040008000000000000000\">x</page>"}},
    ],
)  # fmt: skip
def test_a_bad_command_is_refused_and_changes_nothing(notion: Caller, body: Json) -> None:
    replace(notion, "a")
    assert notion.patch(PAGE, body).status == 400
    assert notion.get(PAGE).body["markdown"] == "a"


def test_pages_below_are_lost_only_when_that_is_allowed(notion: Caller) -> None:
    replace(notion, "before")
    parent = {"type": "page_id", "page_id": sample.task_id(1)}
    title = {"title": {"title": [{"text": {"content": "Below"}}]}}
    below = notion.post("/v1/pages", {"parent": parent, "properties": title}).body["id"]
    refused = replace(notion, "after")
    assert refused.status == 400
    assert "allow_deleting_content" in refused.body["message"]
    kept = notion.get(PAGE).body["markdown"]
    assert written(replace(notion, kept.replace("before", "after"))).startswith("after\n<page url=")
    assert notion.get(f"/v1/pages/{below}").body["in_trash"] is False
    assert written(replace(notion, "alone", allow_deleting_content=True)) == "alone"
    assert notion.get(f"/v1/pages/{below}").body["in_trash"] is True


def test_a_long_page_is_cut_and_the_rest_is_read_by_block(notion: Caller, sandbox: Sandbox) -> None:
    replace(notion, "- a\n\t- b\n- c\n\t- d")
    sandbox.set_limits(markdown_blocks=3)
    body = notion.get(PAGE).body
    assert body["truncated"] is True
    (missing,) = body["unknown_block_ids"]
    assert f'<unknown url="https://www.notion.so/{missing.replace("-", "")}"' in body["markdown"]
    assert notion.get(f"/v1/pages/{missing}/markdown").status == 200


def test_a_new_page_may_come_with_markdown(notion: Caller) -> None:
    parent = {"data_source_id": sample.TASKS}
    made = notion.post("/v1/pages", {"parent": parent, "properties": {}, "markdown": "# Hello\n- [ ] do"})
    assert made.status == 200
    assert notion.get(f"/v1/pages/{made.body['id']}/markdown").body["markdown"] == "# Hello\n- [ ] do"
    both = {"parent": parent, "properties": {}, "markdown": "x", "children": []}
    assert notion.post("/v1/pages", both).status == 400


def test_the_block_limit_counts_what_is_written(notion: Caller, sandbox: Sandbox) -> None:
    sandbox.set_limits(block_limit=2)
    assert replace(notion, "a\nb\nc").status == 403
    assert replace(notion, "a\nb").status == 200
