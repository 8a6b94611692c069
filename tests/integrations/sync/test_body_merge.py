"""Two edits of one text: together where they touch different sections, a question where they do not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.connectors.notion.body import NotionBodyLanguage
from integrations.sync.body_agreement import PlainLanguage, Sides, Verdict, decide, hash_of
from integrations.sync.body_merge import merged

LANGUAGE = NotionBodyLanguage()
SECTIONS = st.lists(st.sampled_from("abcdef"), max_size=6)


def text(*sections: str) -> str:
    return "\n\n".join(sections)


@pytest.mark.parametrize(
    ("base", "local", "remote", "expected"),
    [
        ("abc", "aXc", "abc", "aXc"),
        ("abc", "abc", "abY", "abY"),
        ("abc", "Xbc", "abY", "XbY"),
        ("ab", "Xb", "aY", "XY"),
        ("abc", "aXc", "aXc", "aXc"),
        ("abc", "aXc", "aYc", None),
        ("abc", "ac", "aXc", None),
        ("abc", "abcX", "abcY", "abcYX"),
        ("abc", "ab", "bc", "b"),
        ("", "x", "y", "yx"),
    ],
)
def test_sections_are_merged_one_by_one(base: str, local: str, remote: str, expected: str | None) -> None:
    found = merged(list(base), list(local), list(remote))

    assert found == (None if expected is None else list(expected))


@given(SECTIONS, SECTIONS)
def test_one_side_alone_is_taken_as_it_is(base: list[str], other: list[str]) -> None:
    assert merged(base, base, other) == other
    assert merged(base, other, base) == other
    assert merged(base, other, other) == other


@given(SECTIONS, SECTIONS, SECTIONS)
def test_what_both_put_in_is_there_when_it_goes_together(
    base: list[str], local: list[str], remote: list[str]
) -> None:
    found = merged(base, local, remote)

    if found is not None:
        assert (set(local) | set(remote)) - set(base) <= set(found)


def test_a_spelling_is_no_edit() -> None:
    sides = Sides(base="- a\n- b", local="* a\n* b\n", remote="- a\n- b")

    assert decide(LANGUAGE, sides).verdict is Verdict.SAME
    assert hash_of(LANGUAGE, "* a\n* b\n") == hash_of(LANGUAGE, "- a\n- b")


@pytest.mark.parametrize(
    ("sides", "verdict"),
    [
        (Sides(text("a", "b"), text("a", "b"), text("a", "c")), Verdict.TAKE),
        (Sides(text("a", "b"), text("x", "b"), text("a", "b")), Verdict.KEEP),
        (Sides(text("a", "b", "c"), text("x", "b", "c"), text("a", "b", "y")), Verdict.MERGE),
        (Sides(text("a", "b"), text("x", "b"), text("y", "b")), Verdict.CONFLICT),
        (Sides(text("a", "b"), "", text("y", "b")), Verdict.CONFLICT),
        (Sides(None, "", "there"), Verdict.TAKE),
        (Sides(None, "here", ""), Verdict.KEEP),
        (Sides(None, "here", "there"), Verdict.CONFLICT),
        (Sides(None, "here", "there", is_untouched=True), Verdict.TAKE),
        (Sides(None, text("a", "b"), "a"), Verdict.KEEP),
    ],
)
def test_who_changed_it_decides(sides: Sides, verdict: Verdict) -> None:
    decision = decide(LANGUAGE, sides)

    assert decision.verdict is verdict
    if verdict is Verdict.MERGE:
        assert decision.text == text("x", "b", "y")


def test_items_of_one_list_are_sections_of_their_own() -> None:
    decision = decide(LANGUAGE, Sides("- a\n- b\n- c", "- a, here\n- b\n- c", "- a\n- b\n- c\n    - d"))

    assert decision.text == "- a, here\n- b\n- c\n    - d"


def test_text_of_a_service_that_is_only_read_is_compared_as_it_is() -> None:
    language = PlainLanguage()

    assert decide(language, Sides("a\n\nb", "a\n\nx", "y\n\nb")).text == "y\n\nx"
    assert language.beginning("text") == "text"
