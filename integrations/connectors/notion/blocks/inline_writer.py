"""Runs of text as markdown inside a line, in degrees of caution; pure."""

import re
from collections.abc import Sequence
from dataclasses import replace
from enum import IntEnum
from itertools import groupby
from typing import Final

from integrations.connectors.notion.blocks.model import Run, is_linkable, joined

_STYLES: Final = (("bold", "**"), ("italic", "*"), ("strike", "~~"))
_PUNCTUATION: Final = re.compile(r"([!-/:-@\[-`{-~])")
_SPECIAL: Final = re.compile(
    r"([\\`*\[\]]|<(?=[A-Za-z/!?])|&(?=#?\w+;)|~(?=~)|(?<!\w)_|_(?!\w)|\$(?=`)|(?<=`)\$)"
)
_EDGE_SPACE: Final = re.compile(r"^[^\S\n]+|[^\S\n]+$")
#: Stands where a text is empty but has to be there; a reader shows nothing.
NOTHING: Final = "&#8203;"


class Caution(IntEnum):
    """How text is written: the plainest that reads back the same is taken."""

    LIGHT = 0
    FULL = 1
    UNSTYLED_LIGHT = 2
    UNSTYLED_FULL = 3
    ENTITIES = 4


def inline(runs: Sequence[Run], caution: Caution, *, one_line: bool = False, in_table: bool = False) -> str:
    """The runs as markdown. `one_line`: line ends travel as entities, as headings and table cells need."""
    if caution > Caution.FULL:
        runs = [replace(run, bold=False, italic=False, strike=False, code=False) for run in runs]
    made = _styled(joined(part for run in runs for part in _edges_out(sayable(run))), _STYLES, caution)
    made = _lines(made, caution, one_line=one_line)
    if in_table:
        # Also inside code: a table is cut into cells before anything else.
        made = (
            re.sub(r"(?<!\\)\|", r"\\|", made) if caution < Caution.ENTITIES else made.replace("|", "&#124;")
        )
    return made


def sayable(run: Run) -> Run:
    """The run as far as markdown has words for it: code and formulas end with their line."""
    return replace(run, code=False, is_equation=False) if "\n" in run.text else run


def _edges_out(run: Run) -> list[Run]:
    """White space at the edges of a styled run is not styled: marks have to touch words."""
    if not (run.bold or run.italic or run.strike) or run.is_equation or run.code:
        return [run]
    core = run.text.strip()
    if not core:
        return [replace(run, bold=False, italic=False, strike=False)]
    at = run.text.index(core)
    plain = replace(run, bold=False, italic=False, strike=False)
    before, after = run.text[:at], run.text[at + len(core) :]
    parts = [replace(plain, text=before), replace(run, text=core), replace(plain, text=after)]
    return [part for part in parts if part.text]


def _styled(runs: Sequence[Run], styles: Sequence[tuple[str, str]], caution: Caution) -> str:
    if not styles:
        return "".join(_leaf(run, caution) for run in runs)
    (name, mark), rest = styles[0], styles[1:]
    parts: list[str] = []
    for is_marked, group in groupby(runs, key=lambda run: bool(getattr(run, name))):
        made = _styled(list(group), rest, caution)
        parts.append(f"{mark}{made}{mark}" if is_marked else made)
    return "".join(parts)


def _leaf(run: Run, caution: Caution) -> str:
    if run.is_equation:
        made = f"${_code(run.text)}$"
    elif run.code:
        made = _code(run.text)
    else:
        made = _escaped(run.text, caution)
    if run.link and is_linkable(run.link):
        return f"[{made}]({target(run.link)})"
    return made


def _escaped(text: str, caution: Caution) -> str:
    if caution in (Caution.LIGHT, Caution.UNSTYLED_LIGHT):
        return _SPECIAL.sub(r"\\\1", text)
    first = text[:1]
    # Signs of ours at the beginning mean something; as an entity they are only themselves.
    head = f"&#{ord(first)};" if first > "\xa0" and not first.isalnum() else ""
    rest = text[1:] if head else text
    if caution is Caution.ENTITIES:
        return head + _PUNCTUATION.sub(lambda found: f"&#{ord(found[0])};", rest)
    return head + _PUNCTUATION.sub(r"\\\1", rest)


def _code(text: str) -> str:
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * (longest + 1)
    padded = text.startswith("`") or text.endswith("`") or (text[:1] == text[-1:] == " " and text.strip())
    return f"{fence} {text} {fence}" if padded else f"{fence}{text}{fence}"


def target(url: str) -> str:
    """An address as it stands in the brackets of a link."""
    if re.search(r"[\s()<>\\&\"]", url):
        inside = re.sub(r"([\\<>&])", r"\\\1", url)
        return f"<{inside}>"
    return url


def _lines(text: str, caution: Caution, *, one_line: bool) -> str:
    if one_line:
        text = text.replace("\n", "&#10;")
    if "\n" not in text and text == text.strip():
        return text
    made = text.split("\n")
    # An empty line would end the paragraph, and spaces at the edges of a line would be lost.
    out = ""
    for place, line in enumerate(made):
        line = _EDGE_SPACE.sub(lambda found: "".join(f"&#{ord(sign)};" for sign in found[0]), line)
        if place:
            is_blank = not line or not made[place - 1] or (place == len(made) - 1 and not line)
            out += "&#10;" if is_blank else "\n"
        out += line
    return out
