"""Blocks become markdown that is read back as the same blocks, whatever stands in them."""

from hypothesis import given, settings
from hypothesis import strategies as st

from integrations.connectors.notion.blocks.markdown_reader import blocks_of
from integrations.connectors.notion.blocks.markdown_writer import as_read, markdown_of
from integrations.connectors.notion.blocks.model import Block, Run
from integrations.connectors.notion.blocks.view import flat
from tests.integrations.connectors.notion.blocks.trees import CLEAN, trees


def words(blocks: tuple[Block, ...] | list[Block]) -> list[object]:
    """Kinds and words, with what is nested."""
    return [
        (
            block.kind,
            block.text,
            block.checked,
            block.language,
            block.url,
            block.icon,
            [["".join(run.text for run in cell) for cell in row.cells] for row in block.children]
            if block.kind == "table"
            else words(block.children),
        )
        for block in blocks
    ]


@settings(max_examples=150, deadline=None)
@given(trees())
def test_blocks_come_back_from_their_markdown(tree: list[Block]) -> None:
    blocks = flat(tree)

    read = blocks_of(markdown_of(blocks))

    assert words(read) == words(blocks)


@settings(max_examples=150, deadline=None)
@given(trees())
def test_what_was_read_once_stays_as_it_is(tree: list[Block]) -> None:
    text = markdown_of(flat(tree))
    read = blocks_of(text)

    assert markdown_of(flat(read)) == text
    assert [block.own for block in blocks_of(markdown_of(read))] == [block.own for block in read]


@settings(max_examples=150, deadline=None)
@given(st.lists(CLEAN, max_size=30).map("".join))
def test_any_text_a_person_types_has_one_form_that_stays(text: str) -> None:
    once = markdown_of(flat(blocks_of(text)))

    assert markdown_of(flat(blocks_of(once))) == once


@settings(max_examples=150, deadline=None)
@given(trees(depth=0))
def test_a_block_alone_is_seen_as_in_its_text(tree: list[Block]) -> None:
    blocks = flat(tree)

    assert [as_read(block).own for block in blocks] == [block.own for block in blocks_of(markdown_of(blocks))]


def test_what_is_hidden_takes_no_style_away() -> None:
    runs = (Run("Careful: ", bold=True, color="red"), Run("ask "), Run("@Ada", mention="{}"), Run(" first"))

    assert markdown_of([Block("paragraph", runs=runs)]) == "**Careful:** ask @Ada first"


def test_one_address_used_ten_thousand_times_makes_no_text_without_end() -> None:
    bomb = f"[a]: https://example.org/{'x' * 1900}\n\n" + "[a] " * 10_000
    assert len(markdown_of(blocks_of(bomb))) < 4 * len(bomb)


def test_an_address_given_once_and_used_often_leads_there() -> None:
    text = f"[a]: https://example.org/{'x' * 100}\n\n" + "[a] " * 50
    assert markdown_of(blocks_of(text)).count("](https://example.org/") == 50
