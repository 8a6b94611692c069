"""Two edits of one text; no database."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.sync.conflicts.text_merge import merge_texts

texts = st.lists(
    st.sampled_from(["one\n", "two\n", "three\n", "\n", "four words of text\n"]), max_size=6
).map("".join)


@pytest.mark.parametrize(
    ("base", "local", "remote", "merged"),
    [
        ("a\nb\nc\n", "A\nb\nc\n", "a\nb\nC\n", "A\nb\nC\n"),
        ("a\nb\nc\n", "a\nc\n", "a\nb\nc\nd\n", "a\nc\nd\n"),
        ("a\nb\nc\n", "a\nB\nc\n", "a\nX\nc\n", None),
        ("a\nb\n", "a\nx\nb\n", "a\ny\nb\n", None),
        ("a\nb\n", "a\nx\nb\n", "a\nx\nb\n", "a\nx\nb\n"),
        ("Call the bank today", "Call the bank tomorrow", "Ring the bank today", "Ring the bank tomorrow"),
        ("Call", "Ring", "Write", None),
    ],
)
def test_edits_of_different_parts_go_together_and_others_do_not(
    base: str, local: str, remote: str, merged: str | None
) -> None:
    assert merge_texts(base, local, remote) == merged


@given(texts, texts, texts)
def test_the_order_of_the_sides_does_not_matter(base: str, local: str, remote: str) -> None:
    assert merge_texts(base, local, remote) == merge_texts(base, remote, local)


@given(texts, texts)
def test_a_text_only_one_side_changed_is_that_sides(base: str, changed: str) -> None:
    assert merge_texts(base, changed, base) == changed
    assert merge_texts(base, base, changed) == changed
    assert merge_texts(base, changed, changed) == changed
