"""Notion's own markdown becomes markdown any reader shows; nothing a person wrote is lost."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.connectors.notion.enhanced_markdown import to_markdown


def lines(*parts: str) -> str:
    return "\n".join(parts)


def test_ordinary_markdown_stays_as_it_is() -> None:
    text = lines("## Next steps", "", "- one", "- two")
    assert to_markdown(text) == text


def test_a_callout_becomes_a_quote_with_its_icon() -> None:
    text = lines(
        '<callout icon="📊" color="gray_bg">', "\tDraft until Friday", "\t- check totals", "</callout>"
    )
    assert to_markdown(text) == lines("> 📊 Draft until Friday", ">", "> - check totals")


def test_a_table_becomes_a_pipe_table() -> None:
    text = lines(
        '<table header-row="true">', "<tr>", "<td>Site</td>", "<td>Plan</td>", "</tr>",
        "<tr>", "<td>Port | Ember</td>", "<td>**287**</td>", "</tr>", "</table>",
    )  # fmt: skip
    assert to_markdown(text) == lines("| Site | Plan |", "| --- | --- |", r"| Port \| Ember | **287** |")


def test_a_table_without_a_head_gets_an_empty_one_and_short_rows_are_filled() -> None:
    text = lines(
        "<table>", "<tr>", "<td>a</td>", "<td>b</td>", "</tr>", "<tr>", "<td>c</td>", "</tr>", "</table>"
    )
    assert to_markdown(text) == lines("|  |  |", "| --- | --- |", "| a | b |", "| c |  |")


def test_lists_nest_by_spaces_however_deep() -> None:
    text = lines("- [ ] one", "\t- [x] two", "\t\t1. three", "- [ ] four")
    assert to_markdown(text) == lines("- [ ] one", "    - [x] two", "        1. three", "- [ ] four")


def test_a_paragraph_under_a_list_item_stays_in_it_and_one_under_a_paragraph_is_no_code() -> None:
    assert to_markdown(lines("- item", "\tits text")) == lines("- item", "", "    its text")
    assert to_markdown(lines("above", "\tbelow")) == lines("above", "", "below")


def test_code_is_left_alone() -> None:
    text = lines("\t```python", "\tif x < 1:", "\t\tprint('<callout>')", "\t```")
    assert to_markdown(lines("- item", text)) == lines(
        "- item", "    ```python", "    if x < 1:", "    \tprint('<callout>')", "    ```"
    )


def test_inside_a_line_mentions_are_words_and_pages_are_links() -> None:
    text = (
        'Ask <mention-user url="user://1">Ada</mention-user> by <mention-date start="2026-12-01" startTime="09:30"/>, '
        'see <mention-page url="https://www.notion.so/abc">Plan</mention-page> and <span color="red">**this**</span>'
    )
    assert to_markdown(text) == (
        "Ask @Ada by 2026-12-01 09:30, see [Plan](https://www.notion.so/abc) and **this**"
    )


def test_what_is_no_markup_there_is_none_here() -> None:
    assert to_markdown("AT&amp;T and _under_score") == "AT\\&amp;T and \\_under_score"


def test_what_markdown_cannot_say_is_named_and_leads_there() -> None:
    address = "https://app.notion.com/p/" + "a" * 32 + "#" + "b" * 32
    text = lines(
        f'<unknown url="{address}" alt="breadcrumb"/>', "<table_of_contents/>", '<unknown alt="form"/>'
    )

    assert to_markdown(text) == lines(
        f"[⧉ Breadcrumb](https://www.notion.so/{'b' * 32})",
        "",
        "⧉ Table of contents",
        "",
        "⧉ Unsupported block",
    )


def test_a_hosted_file_is_named_without_the_signature_that_ends() -> None:
    text = '<pdf src="https://files.example/a/plan.pdf?X-Amz-Signature=abc&X-Amz-Expires=3600">The plan</pdf>'

    assert to_markdown(text) == "[📄 The plan](https://files.example/a/plan.pdf)"


def test_a_link_never_leads_anywhere_but_the_web() -> None:
    assert to_markdown('<page url="javascript:alert(1)">Plan</page>') == "⧉ Page: Plan"


def test_attributes_of_blocks_are_left_out_and_columns_named() -> None:
    text = lines(
        '## Plan {color="blue" toggle="true"}',
        "<columns>",
        "\t<column>",
        "\t\tleft",
        "\t</column>",
        "</columns>",
    )
    assert to_markdown(text) == lines("## Plan", "", "⧉ Columns", "", "left")


def test_a_toggle_shows_its_summary_and_what_is_under_it() -> None:
    text = lines("<details>", "<summary>Why</summary>", "\tBecause", "</details>", "after")
    assert to_markdown(text) == lines("- ▸ Why", "", "    Because", "", "after")


@pytest.mark.parametrize("text", ["<callout>", "<table>", "```", "<details>", "\t\t\t", "<td>x</td>", ""])
def test_text_cut_off_in_the_middle_is_no_error(text: str) -> None:
    to_markdown(text)


PIECES = [
    "<callout>", "</callout>", "<table>", "</table>", "<tr>", "<td>x</td>", "<details>", "<summary>s</summary>",
    "<columns>", "</columns>", "```", "`", "\n", "\t", "- ", "1. ", "> ", "word", " ", "<br>", "<page>", "{", "|",
]  # fmt: skip


@given(st.lists(st.sampled_from(PIECES), max_size=40))
def test_anything_can_be_read_and_no_word_is_lost(pieces: list[str]) -> None:
    assert "KEEPME" in to_markdown("".join(pieces) + "\nKEEPME")
