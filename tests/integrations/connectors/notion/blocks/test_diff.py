"""Planned calls, applied to the blocks that are there, give the blocks of the text; what is kept stays untouched."""

import itertools
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from integrations.connectors.notion.blocks.applying import applied, tree_from_request
from integrations.connectors.notion.blocks.diff import plan
from integrations.connectors.notion.blocks.json_writer import block_to_json
from integrations.connectors.notion.blocks.markdown_reader import blocks_of
from integrations.connectors.notion.blocks.markdown_writer import markdown_of
from integrations.connectors.notion.blocks.model import PLACEHOLDER, Block
from integrations.connectors.notion.blocks.steps import Append, Delete, Update
from integrations.connectors.notion.blocks.view import flat
from tests.integrations.connectors.notion.blocks.trees import blocks as any_block
from tests.integrations.connectors.notion.blocks.trees import trees

PAGE = "page"
_numbers = itertools.count(1)


def there(blocks: Sequence[Block]) -> tuple[Block, ...]:
    """The blocks with ids and the JSON they would come with."""
    return tuple(_stored(block) for block in blocks)


def _stored(block: Block) -> Block:
    if not block.raw and block.kind != PLACEHOLDER:
        made = tree_from_request(block_to_json(block, levels=9))
        block = replace(made, children=block.children if block.kind != "table" else made.children)
    return replace(block, id=block.id or f"b{next(_numbers)}", children=there(block.children))


def kept(kind: str, *children: Block, **content: Any) -> Block:
    raw = {"type": kind, kind: content}
    return Block(PLACEHOLDER, label=kind, raw=raw, children=children)


def sayable(blocks: Sequence[Block]) -> list[Block]:
    """The blocks without those that nobody can make."""
    return [
        replace(block, children=tuple(sayable(block.children)))
        for block in blocks
        if block.kind != PLACEHOLDER
    ]


def settled(blocks: tuple[Block, ...], wanted: str) -> tuple[Block, ...]:
    for _ in range(6):
        planned = plan(PAGE, blocks, flat(blocks_of(wanted)))
        blocks = there(applied(PAGE, blocks, planned))
        if planned.is_whole:
            return blocks
    raise AssertionError("The text never comes to rest.")


def ids(blocks: Sequence[Block]) -> set[str]:
    return {found for block in blocks for found in (block.id, *ids(block.children))}


@settings(max_examples=80, deadline=None)
@given(trees(most=5), trees(most=5))
def test_the_page_says_what_the_text_says(old: list[Block], new: list[Block]) -> None:
    wanted = markdown_of(flat(sayable(new)))

    after = settled(there(sayable(old)), wanted)

    assert markdown_of(flat(after)) == markdown_of(flat(blocks_of(wanted)))
    assert plan(PAGE, after, flat(blocks_of(wanted))).steps == ()


@settings(max_examples=80, deadline=None)
@given(trees(most=4))
def test_a_text_nobody_edited_is_no_call(old: list[Block]) -> None:
    blocks = there(old)

    assert plan(PAGE, blocks, flat(blocks_of(markdown_of(flat(blocks))))).steps == ()


@st.composite
def _odd_pages(draw: st.DrawFn) -> tuple[Block, ...]:
    inner = draw(st.lists(any_block(depth=1), max_size=3))
    odd = [
        kept("column_list", kept("column", *inner[:1]), kept("column", *inner[1:])),
        kept("unsupported", block_type="form"),
        kept("synced_block", *inner[:2], synced_from={"block_id": "x"}),
        Block("paragraph", runs=(), children=()),
        kept("child_page", title="Plan"),
    ]
    return there(draw(st.permutations([*odd, *draw(trees(most=3))])))


@settings(max_examples=80, deadline=None)
@given(_odd_pages(), trees(most=4), st.data())
def test_what_markdown_cannot_say_stays_whatever_is_made_of_the_text(
    page: tuple[Block, ...], more: list[Block], data: st.DataObject
) -> None:
    shown = list(flat(page))
    chosen = [block for block in shown if data.draw(st.booleans())]
    wanted = markdown_of([*chosen, *flat(more)])

    after = settled(page, wanted)

    odd = {block.id for block in page if block.kind == PLACEHOLDER}
    assert odd <= ids(after)
    synced = next(block for block in page if block.raw.get("type") == "synced_block")
    assert next(block for block in after if block.id == synced.id) == synced


def a_page(*texts: str) -> tuple[Block, ...]:
    return there(blocks_of("\n\n".join(texts)))


def test_one_changed_paragraph_is_one_call() -> None:
    page = a_page("one", "two words here", "three")

    steps = plan(PAGE, page, blocks_of("one\n\ntwo other words here\n\nthree")).steps

    assert [type(step) for step in steps] == [Update]
    assert steps[0].block_id == page[1].id  # type: ignore[union-attr]


def test_new_neighbours_are_one_call_behind_the_block_before_them() -> None:
    page = a_page("one", "two")

    steps = plan(PAGE, page, blocks_of("one\n\nA\n\n- B\n- C\n\ntwo")).steps

    assert len(steps) == 1
    assert isinstance(steps[0], Append)
    assert (steps[0].parent_id, steps[0].after_id, len(steps[0].blocks)) == (PAGE, page[0].id, 3)


def test_words_of_another_kind_are_made_before_the_old_ones_go() -> None:
    page = a_page("one", "two")

    steps = plan(PAGE, page, blocks_of("one\n\n## two")).steps

    assert [type(step) for step in steps] == [Append, Delete]


def test_a_hundred_blocks_are_one_call_and_one_more_is_two() -> None:
    text = "\n\n".join(f"Paragraph {number}" for number in range(101))

    steps = plan(PAGE, (), blocks_of(text)).steps

    assert [len(step.blocks) for step in steps if isinstance(step, Append)] == [1, 100]
    assert markdown_of(flat(applied(PAGE, (), plan(PAGE, (), blocks_of(text))))) == text


def test_a_list_deeper_than_a_request_may_be_takes_another_round() -> None:
    text = "- a\n    - b\n        - c\n            - d\n                - e"
    first = plan(PAGE, (), blocks_of(text))

    assert not first.is_whole
    assert markdown_of(flat(settled((), text))) == text


def test_what_is_edited_inside_a_column_is_written_there_and_what_follows_it_is_not() -> None:
    left, right = blocks_of("left"), blocks_of("right")
    page = there([kept("column_list", kept("column", *left), kept("column", *right)), *blocks_of("after")])
    columns = page[0].children

    steps = plan(PAGE, page, blocks_of("⧉ column_list\n\nleft side\n\nmore\n\nright\n\nend\n\nafter")).steps

    assert isinstance(steps[0], Update)
    assert steps[0].block_id == columns[0].children[0].id
    places = [(step.parent_id, step.after_id) for step in steps if isinstance(step, Append)]
    assert places == [(page[0].id, columns[0].id), (PAGE, page[0].id)] or places == [
        (columns[0].id, columns[0].children[0].id),
        (PAGE, page[0].id),
    ]
