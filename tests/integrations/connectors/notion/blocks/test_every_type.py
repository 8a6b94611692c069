"""Every type of block Notion's document describes: read, shown, written back; requests as strict as the document."""

import json
from typing import Any

import pytest

from integrations.connectors.notion.blocks.applying import tree_from_request
from integrations.connectors.notion.blocks.diff import plan
from integrations.connectors.notion.blocks.json_reader import block_from_json
from integrations.connectors.notion.blocks.json_writer import block_to_json
from integrations.connectors.notion.blocks.markdown_reader import blocks_of
from integrations.connectors.notion.blocks.markdown_writer import markdown_of
from integrations.connectors.notion.blocks.model import PLACEHOLDER
from integrations.connectors.notion.blocks.steps import Append, Update
from integrations.connectors.notion.blocks.view import flat
from integrations.connectors.notion.body import NotionBodyLanguage, blocks_from_markdown
from tests.factories.notion import an_id
from tests.integrations.connectors.notion.blocks import samples
from tests.integrations.sandbox.notion import contract

described = pytest.mark.skipif(not contract.is_available, reason=contract.why_not)
APPEND, UPDATE, CREATE = (
    "PATCH /v1/blocks/{block_id}/children",
    "PATCH /v1/blocks/{block_id}",
    "POST /v1/pages",
)
#: Newer than the document at hand: the client's own types and the sandbox know it.
UNDESCRIBED = {"heading_4"}


def kind_of(item: Any) -> str:
    return str(item["type"])


@described
def test_the_samples_are_every_type_of_the_document() -> None:
    document = json.loads(contract.OFFICIAL.read_text())["components"]["schemas"]
    kinds = {
        schema["properties"]["type"]["const"]
        for name, schema in document.items()
        if name.endswith("BlockObjectResponse") and "const" in schema.get("properties", {}).get("type", {})
    }
    here = {kind_of(item) for item in [*samples.EXPRESSIBLE, *samples.KEPT, samples.TABLE, *samples.ROWS]}

    assert kinds - here == set()


@pytest.mark.parametrize("item", samples.EXPRESSIBLE, ids=kind_of)
def test_what_markdown_can_say_comes_back_as_the_same_block(item: samples.Json) -> None:
    block = block_from_json(item)
    read = blocks_of(markdown_of([block]))

    assert [one.own for one in read] == [block.own]
    made = block_to_json(read[0])
    assert tree_from_request(made).own == block.own
    # What the text does not show (a caption's colour, whether a heading opens) is not in the way.
    kept = {"rich_text", "checked", "language", "expression", "url", "external"}
    kind = item["type"]
    for name in kept & set(item[kind]):
        ours, theirs = made[kind][name], item[kind][name]
        assert words(ours) == words(theirs)


def words(value: Any) -> Any:
    """Rich text as its words, anything else as it is."""
    is_rich = isinstance(value, list) and all(isinstance(run, dict) for run in value)
    return "".join(run["text"]["content"] for run in value) if is_rich else value


@pytest.mark.parametrize("item", samples.KEPT, ids=kind_of)
def test_what_markdown_cannot_say_is_named_and_never_touched(item: samples.Json) -> None:
    block = block_from_json(item)
    text = markdown_of([block])
    page = (block,)

    assert "X-Amz" not in text
    assert block.kind != PLACEHOLDER or text.startswith(("⧉ ", "[⧉ "))
    assert plan("page", page, blocks_of(markdown_of(flat(page)))).steps == ()
    if block.kind == PLACEHOLDER:
        assert plan("page", page, ()).steps == ()
        steps = plan("page", page, blocks_of("Anything else")).steps
        assert [type(step) for step in steps] == [Append]


def test_a_table_comes_back_with_its_cells() -> None:
    table = block_from_json(samples.TABLE, [block_from_json(row) for row in samples.ROWS])

    text = markdown_of([table])

    assert text == "| Site | Plan |\n| --- | --- |\n| Port | 287 \\| 3 |"
    assert tree_from_request(block_to_json(blocks_of(text)[0])).children[1].own == table.children[1].own


@described
@pytest.mark.parametrize(
    "item", [one for one in samples.EXPRESSIBLE if one["type"] not in UNDESCRIBED], ids=kind_of
)
def test_requests_are_as_strict_as_the_document(item: samples.Json) -> None:
    contract.assert_objects_conform(item)
    block = block_from_json(item)
    made = block_to_json(block)

    contract.assert_request_conforms(APPEND, {"children": [made], "position": {"type": "start"}})

    other = blocks_of(markdown_of([block]).replace("A", "The").replace("1", "2"))
    for step in plan("page", (block,), other).steps:
        if isinstance(step, Update):
            contract.assert_request_conforms(UPDATE, {step.kind: step.content})
        if isinstance(step, Append):
            contract.assert_request_conforms(APPEND, {"children": list(step.blocks)})


@described
def test_the_first_blocks_of_a_new_page_are_as_strict_as_the_document() -> None:
    text = (
        "# Plan\n\n- a\n    - b\n        - c\n            - d\n\n> 💡 Note\n>\n> - in it\n\n| a | b |\n| --- | --- |\n"
        "| c | d |\n\n- x\n    - y\n\n        | t | u |\n        | --- | --- |\n        | v | w |\n\n"
        "```py\nprint()\n```\n\nWith **all** *the* ~~styles~~ `of` [a link](https://x.example) and $`e=mc^2`$"
    )
    children = blocks_from_markdown(text)
    parent = {"type": "data_source_id", "data_source_id": an_id("table")}

    contract.assert_request_conforms(CREATE, {"parent": parent, "properties": {}, "children": children})
    assert NotionBodyLanguage().beginning(text) != NotionBodyLanguage().normal(text)


def test_more_than_a_request_may_hold_is_cut_where_notion_cuts() -> None:
    long = "wörter " * 3000
    (made,) = blocks_from_markdown(long)
    runs = made["paragraph"]["rich_text"]

    assert max(len(run["text"]["content"]) for run in runs) <= 2000
    assert "".join(run["text"]["content"] for run in runs) == long.strip()
    assert len(blocks_from_markdown("\n\n".join("x" * 10 for _ in range(300)))) == 100


def test_an_address_that_is_none_is_written_as_words() -> None:
    (made,) = blocks_from_markdown("[here](ftp://x.example) and [there](javascript:alert(1))")

    assert all("link" not in run["text"] for run in made["paragraph"]["rich_text"])


@pytest.mark.parametrize(
    "item", [{}, {"type": "paragraph"}, {"type": "paragraph", "paragraph": None}, {"type": "new"}]
)
def test_a_block_of_no_known_shape_is_no_error(item: samples.Json) -> None:
    markdown_of([block_from_json(item)])
