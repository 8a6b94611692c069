"""Turns phrase files into task texts: fills the slots of a pattern and renders a body that fits its title."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

PHRASES = Path(__file__).parent / "phrases"
LANGUAGES = ("en", "de", "es")
DEPARTMENTS = ("engineering", "finance", "operations", "people")

_SLOT = re.compile(r"\{(?P<name>[a-z_]+?)(?P<nth>[2-9])?\}")
_POOL = re.compile(r"<(?P<pool>[a-z_]+)(?:\*(?P<count>\d))?>")
_LINE_START = re.compile(r"^(?P<lead>#+ )(?P<letter>[^\W\d_])", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Pattern:
    """One hand-written task: what kind of work it is, its title with slots, its tags and usual effort."""

    kind: str
    title: str
    tags: tuple[str, ...]
    hours: float


@dataclass(frozen=True, slots=True)
class Company:
    """What an invented company is called and the names it uses in its tasks."""

    key: str
    name: str
    domain: str
    people: tuple[str, ...]
    guests: tuple[str, ...]
    slots: Mapping[str, tuple[str, ...]]


@dataclass(slots=True)
class Story:
    """The slots already filled for one task, so that its body speaks of the same things as its title."""

    language: str
    written_on: date
    words: dict[str, str] = field(default_factory=dict)


def _read(name: str) -> dict[str, Any]:
    return tomllib.loads((PHRASES / f"{name}.toml").read_text(encoding="utf-8"))


@cache
def company_named(key: str) -> Company:
    """Return the invented company `acme` or `globex`. Raises FileNotFoundError for another key."""
    read = _read(f"company_{key}")
    slots = {name: tuple(words) for name, words in read["slots"].items()}
    return Company(key, read["name"], read["domain"], tuple(read["people"]), tuple(read["guests"]), slots)


@cache
def patterns_of(language: str, department: str) -> tuple[Pattern, ...]:
    """Return the task patterns of one department in one language."""
    found = []
    for line in _read(f"{language}_{department}")["patterns"]:
        kind, title, tags, hours = (part.strip() for part in line.split(" | "))
        found.append(Pattern(kind, title, tuple(tags.split(",")), float(hours)))
    return tuple(found)


@cache
def _language_slots(language: str) -> dict[str, tuple[str, ...]]:
    return {name: tuple(words) for name, words in _read(f"slots_{language}").items()}


@cache
def _bodies(language: str) -> dict[str, dict[str, Any]]:
    return {**_read(f"bodies_{language}_works"), **_read(f"bodies_{language}_office")}


@cache
def project_patterns(language: str) -> tuple[tuple[str, str], ...]:
    """Return (department, name with slots) of the projects a company runs in this language."""
    lines = _read(f"projects_{language}")["projects"]
    return tuple((line.split(" | ")[0], line.split(" | ")[1]) for line in lines)


@cache
def comments_of(language: str, kind: str) -> tuple[str, ...]:
    """Return what people write while the demo runs: `comments` below a task, `suffixes` of a title."""
    return tuple(_read(f"life_{language}")[kind])


def _thousands(value: int, language: str) -> str:
    grouped = f"{value:,}"
    return grouped if language == "en" else grouped.replace(",", ".")


def _quarter(day: date, language: str) -> str:
    number = (day.month - 1) // 3 + 1
    return f"T{number}" if language == "es" else f"Q{number}"


def _day(day: date, language: str) -> str:
    months = _language_slots(language)["months"]
    match language:
        case "de":
            return f"{day.day}.{day.month}."
        case "es":
            return f"{day.day} de {months[day.month - 1]}"
    return f"{day.day} {months[day.month - 1]}"


class Grammar:
    """Fills patterns for one company, one language and one source of chance."""

    def __init__(self, company: Company, language: str, random: Random) -> None:
        self._company = company
        self._language = language
        self._random = random
        self._lists = {**_language_slots(language), **company.slots, "person": company.people}

    def story(self, written_on: date) -> Story:
        """Begin the text of one task written on that day."""
        return Story(self._language, written_on)

    def _computed(self, name: str, day: date) -> str | None:
        random, language = self._random, self._language
        match name:
            case "n":
                return str(random.randint(2, 9))
            case "pct":
                return str(random.randint(2, 18))
            case "year":
                return str(day.year)
            case "month":
                month = (day - timedelta(days=random.choice((0, 12, 25)))).month
                return self._lists["months"][month - 1]
            case "quarter":
                return _quarter(day, language)
            case "date":
                return _day(day + timedelta(days=random.randint(3, 30)), language)
            case "amount":
                euros = round(random.lognormvariate(7.6, 1.1) / 10) * 10 + random.choice((0, 5, 8))
                printed = _thousands(euros, language)
                return f"€{printed}" if language == "en" else f"{printed} €"
            case "invoice":
                return f"{day.year % 100}-{random.randint(1000, 9899)}"
            case "po":
                return f"PO-{random.randint(41000, 48999)}"
            case "ticket":
                return f"#{random.randint(180, 2990)}"
            case "version":
                return f"{random.randint(2, 7)}.{random.randint(0, 14)}.{random.randint(0, 9)}"
        return None

    def _word(self, name: str, story: Story) -> str:
        computed = self._computed(name, story.written_on)
        if computed is not None:
            return computed
        return self._random.choice(self._lists[name])

    def fill(self, source: str, story: Story) -> str:
        """Return the text with its slots filled. Raises KeyError for a slot nobody knows."""

        def replaced(found: re.Match[str]) -> str:
            key, name = found[0], found["name"]
            if key not in story.words:
                word = self._word(name, story)
                for _ in range(6):
                    if word not in story.words.values():
                        break
                    word = self._word(name, story)
                story.words[key] = word
            return story.words[key]

        return _SLOT.sub(replaced, source)

    def title(self, source: str, story: Story) -> str:
        """Return a filled title beginning with a capital, unless a name without one stands first."""
        filled = self.fill(source, story)
        if source.startswith("{repo}"):
            return filled
        return filled[:1].upper() + filled[1:]

    def body(self, kind: str, story: Story) -> str:
        """Return the markup of a body for this kind of work (see `body.py` for the markup)."""
        plan = _bodies(self._language)[kind]
        lines: list[str] = []
        for line in str(self._random.choice(plan["plans"])).splitlines():
            lines += self._drawn(line, plan)
        filled = self.fill("\n".join(lines), story)
        return _LINE_START.sub(lambda found: found["lead"] + found["letter"].upper(), filled)

    def _drawn(self, line: str, plan: Mapping[str, Any]) -> list[str]:
        """Return the line once for each phrase that its `<pool*3>` draws; `<pool>` draws one."""
        found = _POOL.search(line)
        if found is None:
            return [line]
        pool: Sequence[str] = plan[found["pool"]]
        chosen = self._random.sample(pool, min(int(found["count"] or 1), len(pool)))
        drawn = [f"{line[: found.start()]}{phrase}{line[found.end() :]}" for phrase in chosen]
        return [final for each in drawn for final in self._drawn(each, plan)]

    def remark(self, kind: str, story: Story) -> str:
        """Return one sentence for a notes column, from the phrases that bodies of this kind draw on."""
        plan = _bodies(self._language)[kind]
        pools = [phrases for name, phrases in plan.items() if name != "plans"]
        return self.fill(self._random.choice(self._random.choice(pools)), story)
