"""``{{ name }}`` in a letter's text: found, checked and filled in, once and with nothing else."""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tenants.foundation.errors import InvalidInput
from tenants.foundation.letters.kinds import LetterKind
from tenants.foundation.seen_text import UNSEEN

PLACEHOLDER = re.compile(r"\{\{\s*([a-z][a-z0-9_]*)\s*\}\}")
LEFTOVER = re.compile(r"\{\{|\}\}|\{%|%\}|\{#|#\}")
MOST_SUBJECT, MOST_BODY, MOST_VALUE = 150, 5000, 300
# Joiners that some scripts and emoji are written with.
JOINERS = frozenset("\u200c\u200d")


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a paragraph; ``url`` where it is a link."""

    text: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Lines of pieces, or a button where one link stands alone."""

    lines: tuple[tuple[Piece, ...], ...]
    button_url: str = ""


def plain(value: str) -> str:
    """One line without control and direction characters; what is inserted is cut at 300 characters."""
    joined = " ".join(value.split())
    kept = (each for each in joined if each in JOINERS or unicodedata.category(each) not in UNSEEN)
    return "".join(kept)[:MOST_VALUE]


def is_web_address(value: str) -> bool:
    """Whether a link can be offered: http or https, one line, nothing unseen."""
    return bool(re.match(r"https?://[^\s\"'<>]+\Z", value)) and not any(
        unicodedata.category(each) in UNSEEN for each in value
    )


def filled(text: str, values: Mapping[str, str]) -> str:
    """The text with its values; what stands in a value is not looked at again."""
    return PLACEHOLDER.sub(lambda found: values.get(found[1], ""), text)


def paragraphs(body: str, kind: LetterKind, values: Mapping[str, str]) -> Iterator[Paragraph]:
    """The body in parts that templates can draw, without those of which a value is empty."""
    links = {variable.name for variable in kind.variables if variable.is_link}
    for block in re.split(r"\n\s*\n", body.replace("\r\n", "\n").strip()):
        names = PLACEHOLDER.findall(block)
        if any(not values.get(name) for name in names):
            continue
        alone = PLACEHOLDER.fullmatch(block.strip())
        button = values[alone[1]] if alone and alone[1] in links and kind.button else ""
        lines = tuple(tuple(_pieces(line.strip(), values, links)) for line in block.split("\n"))
        yield Paragraph(lines, button)


def checked_text(kind: LetterKind, *, subject: str, body: str) -> tuple[str, str]:
    """A company's own subject and body, tidied.

    Raises: InvalidInput with `subject` and `body` for what is empty, too long, holds unseen characters, names a value
    the letter does not have or leaves out one it needs.
    """
    subject, body = subject.strip(), body.replace("\r\n", "\n").replace("\r", "\n").strip()
    wrong = {"subject": _wrong_in(kind, subject, MOST_SUBJECT), "body": _wrong_in(kind, body, MOST_BODY)}
    if "\n" in subject:
        wrong["subject"].append("A subject is one line.")
    given = set(PLACEHOLDER.findall(body))
    missing = [each.name for each in kind.variables if each.is_required and each.name not in given]
    wrong["body"] += [f"Without {{{{ {name} }}}} this letter is of no use: put it back." for name in missing]
    if any(wrong.values()):
        raise InvalidInput(fields={name: lines for name, lines in wrong.items() if lines})
    return subject, body


def _wrong_in(kind: LetterKind, text: str, most: int) -> list[str]:
    wrong = []
    if not text:
        wrong.append("This may not be empty.")
    if len(text) > most:
        wrong.append(f"At most {most} characters.")
    if any(
        unicodedata.category(each) in UNSEEN and each not in "\n\t" and each not in JOINERS for each in text
    ):
        wrong.append("There are characters in it that cannot be seen.")
    for name in dict.fromkeys(PLACEHOLDER.findall(text)):
        if name not in kind.names:
            known = ", ".join(f"{{{{ {each} }}}}" for each in kind.names)
            wrong.append(f"There is no {{{{ {name} }}}} in this letter; there are {known}.")
    if LEFTOVER.search(PLACEHOLDER.sub("", text)):
        wrong.append("Curly brackets can only name a value, like {{ company }}.")
    return wrong


def _pieces(line: str, values: Mapping[str, str], links: set[str]) -> Iterator[Piece]:
    at = 0
    for found in PLACEHOLDER.finditer(line):
        if found.start() > at:
            yield Piece(line[at : found.start()])
        value = values[found[1]]
        yield Piece(value, value if found[1] in links else "")
        at = found.end()
    if at < len(line):
        yield Piece(line[at:])
