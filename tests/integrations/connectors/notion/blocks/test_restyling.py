"""Words that stay keep what markdown does not show of them; words that were touched do not."""

from integrations.connectors.notion.blocks.model import Run
from integrations.connectors.notion.blocks.restyling import restyled

OLD = [
    Run("Careful", bold=True, color="red"),
    Run(", ask "),
    Run("@Ada Example", mention="{}"),
    Run(" first"),
]
SHOWN = [run.shown for run in OLD]


def edited(*runs: Run) -> list[tuple[str, str, str]]:
    return [(run.text, run.color, run.mention) for run in restyled(runs, old=OLD, old_shown=SHOWN)]


def test_nothing_changed_is_nothing_lost() -> None:
    assert restyled(SHOWN, old=OLD, old_shown=SHOWN) == tuple(OLD)


def test_words_put_in_have_no_colour_and_the_others_keep_theirs() -> None:
    found = edited(Run("Be "), Run("Careful", bold=True), Run(", please ask @Ada Example first"))

    assert found == [
        ("Be ", "default", ""), ("Careful", "red", ""), (", please ask ", "default", ""),
        ("@Ada Example", "default", "{}"), (" first", "default", ""),
    ]  # fmt: skip


def test_a_mention_with_other_words_is_words() -> None:
    found = edited(Run("Careful", bold=True), Run(", ask @Ada Somebody first"))

    assert found == [("Careful", "red", ""), (", ask @Ada Somebody first", "default", "")]


def test_a_style_that_was_taken_away_here_stays_away() -> None:
    assert restyled([Run("Careful")], old=OLD, old_shown=SHOWN) == (Run("Careful", color="red"),)


def test_a_style_markdown_could_not_show_is_still_there() -> None:
    old = [Run("un", bold=True), Run("believable")]

    found = restyled([Run("quite unbelievable")], old=old, old_shown=[Run("unbelievable")])

    assert found == (Run("quite "), Run("un", bold=True), Run("believable"))


def test_texts_that_have_little_in_common_are_no_trouble() -> None:
    long = " ".join(f"word{number}" for number in range(5000))

    assert (
        restyled([Run(long)], old=[Run(long[::-1], color="red")], old_shown=[Run(long[::-1])])[0].text == long
    )
