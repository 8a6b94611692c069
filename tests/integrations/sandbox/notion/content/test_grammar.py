"""The phrase files: enough of them, every slot known, every kind of work has a body, files short."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from random import Random

import pytest

from integrations.sandbox.notion.content import grammar
from integrations.sandbox.notion.content.body import parse
from integrations.sandbox.notion.content.grammar import (
    DEPARTMENTS,
    LANGUAGES,
    Grammar,
    company_named,
    patterns_of,
    project_patterns,
)

DAY = date(2026, 11, 3)
EVERYWHERE = [
    (company, language, department)
    for company in ("acme", "globex")
    for language in LANGUAGES
    for department in DEPARTMENTS
]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("department", DEPARTMENTS)
def test_each_department_has_forty_different_patterns_in_each_language(
    language: str, department: str
) -> None:
    patterns = patterns_of(language, department)
    assert len({pattern.title for pattern in patterns}) >= 40
    assert all(pattern.tags and pattern.hours > 0 for pattern in patterns)


@pytest.mark.parametrize(("company", "language", "department"), EVERYWHERE)
def test_every_pattern_and_every_body_can_be_filled(company: str, language: str, department: str) -> None:
    words = Grammar(company_named(company), language, Random(3))
    for pattern in patterns_of(language, department):
        for _ in range(4):
            story = words.story(DAY)
            text = f"{words.fill(pattern.title, story)}\n{words.body(pattern.kind, story)}"
            assert not re.search(r"(?<!@)\{|<[a-z_]+", text), text
            assert parse(text, {})


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_phrase_of_every_pool_is_reachable_and_fillable(language: str) -> None:
    words = Grammar(company_named("acme"), language, Random(5))
    for kind, plan in grammar._bodies(language).items():
        source = "\n".join(plan["plans"])
        for pool, phrases in plan.items():
            assert pool == "plans" or re.search(rf"<{pool}(\*\d)?>", source), f"{kind}: {pool} is never drawn"
            for phrase in phrases:
                if pool != "plans":
                    assert words.fill(phrase, words.story(DAY))


@pytest.mark.parametrize("language", LANGUAGES)
def test_projects_exist_for_every_department(language: str) -> None:
    assert {department for department, _ in project_patterns(language)} == set(DEPARTMENTS)


def test_a_body_speaks_of_the_same_things_as_its_title() -> None:
    words = Grammar(company_named("acme"), "en", Random(8))
    story = words.story(DAY)
    title = words.fill("Check invoice {invoice} from {supplier}", story)
    again = words.fill("{supplier} sent {invoice} again, {supplier2} did not", story)
    assert story.words["{supplier}"] in title
    assert again.startswith(story.words["{supplier}"])
    assert story.words["{supplier2}"] != story.words["{supplier}"]


def test_sentences_begin_with_a_capital_letter_but_names_keep_theirs() -> None:
    words = Grammar(company_named("acme"), "en", Random(8))
    assert words.title("first aid in {site}", words.story(DAY)).startswith("First aid in ")
    story = words.story(DAY)
    assert words.title("{repo}: faster", story).startswith(story.words["{repo}"])


def test_phrase_files_stay_short_enough_to_read() -> None:
    for path in sorted(Path(grammar.PHRASES).glob("*.toml")):
        assert len(path.read_text(encoding="utf-8").splitlines()) <= 300, path.name
