"""Blocks as markdown that is read back as the same blocks; pure."""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Final

from integrations.connectors.notion.blocks.inline_writer import NOTHING, Caution, inline, sayable, target
from integrations.connectors.notion.blocks.languages import info_of
from integrations.connectors.notion.blocks.markdown_reader import blocks_of, name_in
from integrations.connectors.notion.blocks.model import (
    CALLOUT_SIGN,
    HEADINGS,
    KEPT_SIGN,
    LISTED,
    SIGNS,
    TOGGLE_SIGN,
    Block,
    Run,
    is_linkable,
    is_web,
)

_INDENT: Final = 4
#: Begins with a letter, ends with no space, and holds none of the signs that can be a mark.
_MARKS: Final = r"\\`*_~\[\]<>&|$#^{}\x00-\x1f\x7f-\x9f"
_SIMPLE: Final = re.compile(rf"[^\W\d_](?:[^{_MARKS}]*[^{_MARKS}\s])?")


def markdown_of(blocks: Sequence[Block]) -> str:
    """Blocks in the order of the text (`view.flat`) as one text without white space around it."""
    return "\n".join(_lines(blocks)).strip("\n")


def as_read(block: Block) -> Block:
    """The block as a reader of its markdown sees it; what markdown cannot say about it is not there any more."""
    if _is_simple(block):
        return block.own
    read = blocks_of(markdown_of([replace(block, children=block.children if block.kind == "table" else ())]))
    return read[0] if len(read) == 1 else block.own


def _lines(blocks: Sequence[Block]) -> list[str]:
    out: list[str] = []
    number = 0
    last: Block | None = None
    for block in blocks:
        number = number + 1 if block.kind == "numbered_list_item" else 0
        if last is not None and not (_list_of(last) and _list_of(last) == _list_of(block)):
            out.append("")
        out += _block(block, number)
        last = block
    return out


def _list_of(block: Block) -> str:
    if block.kind not in LISTED:
        return ""
    return "numbers" if block.kind == "numbered_list_item" else "bullets"


def _block(block: Block, number: int) -> list[str]:
    if block.kind == "table":
        return _table(block)
    own = list(_own(block, number))
    below = _lines(block.children)
    if block.kind in ("quote", "callout"):
        return [f"> {line}" if line else ">" for line in [*own, *([""] if below else []), *below]]
    if block.kind in LISTED:
        indent = " " * max(_INDENT, len(f"{number}. ") if number else 0)
        is_tight = not below or block.children[0].kind in (*LISTED, "code", "equation")
        rest = [*own[1:], *([] if is_tight else [""]), *below]
        return [own[0], *(indent + line if line else "" for line in rest)]
    return own


def _own(block: Block, number: int) -> tuple[str, ...]:
    """The lines of a block without what is below it, the plainest that are read back as the block."""
    return _written(replace(block, children=(), id="", raw={}), number)


@lru_cache(maxsize=4096)
def _written(block: Block, number: int) -> tuple[str, ...]:
    if block.kind in ("code", "equation"):
        return tuple(_fence(block))
    if block.kind == "divider":
        return ("---",)
    write = _writer(block, number)
    if _is_simple(block):
        return tuple(write(Caution.LIGHT).split("\n"))
    goal, plain = _key(block, is_styled=True), _key(block, is_styled=False)
    text = ""
    for caution in Caution:
        text = write(caution)
        is_styled = caution <= Caution.FULL
        if _reads(text, block, goal if is_styled else plain, is_styled=is_styled):
            break
    return tuple(text.split("\n"))


def _reads(text: str, block: Block, goal: Block, *, is_styled: bool) -> bool:
    quoted = "\n".join(f"> {line}" for line in text.split("\n"))
    read = blocks_of(quoted if block.kind in ("quote", "callout") else _indented(text, block))
    return len(read) == 1 and _key(read[0], is_styled=is_styled) == goal


def _indented(text: str, block: Block) -> str:
    return text.replace("\n", "\n" + " " * _INDENT) if block.kind in LISTED else text


def _key(block: Block, *, is_styled: bool) -> Block:
    """What has to come back: words always, styles unless they were given up, spaces of no style."""
    runs = tuple(_edge_free(run.shown) if is_styled else Run(run.text) for run in block.runs)
    return replace(block.own, runs=_joined_words(runs), label=block.label)


def _edge_free(run: Run) -> Run:
    run = sayable(run)
    return run if run.text.strip() or run.code or run.is_equation else Run(run.text, link=run.link)


def _joined_words(runs: Sequence[Run]) -> tuple[Run, ...]:
    """Runs with the white space between them attached to neither, so that marks moved off it do not matter."""
    made: list[Run] = []
    for run in runs:
        if run.code or run.is_equation:
            made.append(run)
            continue
        parts = re.findall(r"\s+|\S+", run.text)
        made += [Run(part) if part.isspace() else replace(run, text=part) for part in parts]
    joined_up: list[Run] = []
    for run in made:
        if joined_up and joined_up[-1].style == run.style and not run.is_equation:
            joined_up[-1] = replace(run, text=joined_up[-1].text + run.text)
        else:
            joined_up.append(run)
    return tuple(joined_up)


def _is_simple(block: Block) -> bool:
    """Words without a mark in them: nothing to be careful about."""
    if len(block.runs) != 1 or block.kind not in ("paragraph", *HEADINGS, *LISTED, "quote"):
        return False
    run = block.runs[0]
    return run.shown == Run(run.text) and _SIMPLE.fullmatch(run.text) is not None


def _writer(block: Block, number: int) -> Callable[[Caution], str]:
    def text(caution: Caution, *, one_line: bool = False) -> str:
        return inline(block.own.runs, caution, one_line=one_line)

    match block.kind:
        case "heading_1" | "heading_2" | "heading_3" | "heading_4":
            return lambda caution: f"{'#' * int(block.kind[-1])} {text(caution, one_line=True)}".rstrip(" ")
        case "bulleted_list_item":
            return lambda caution: f"- {text(caution) or NOTHING}"
        case "numbered_list_item":
            return lambda caution: f"{number or 1}. {text(caution) or NOTHING}"
        case "to_do":
            return lambda caution: f"- [{'x' if block.checked else ' '}] {text(caution)}".rstrip(" ")
        case "toggle":
            return lambda caution: f"- {TOGGLE_SIGN} {text(caution)}".rstrip(" ")
        case "quote":
            return lambda caution: text(caution) or NOTHING
        case "callout":
            icon = block.icon or CALLOUT_SIGN
            return lambda caution: f"{icon} {text(caution)}".rstrip(" ")
        case "image":
            return lambda caution: f"!{_link(block.text, block.url, caution)}"
        case "placeholder":
            return lambda caution: _placeholder(block, caution)
    if block.kind in SIGNS:
        words = block.text or name_in(block.url)
        return lambda caution: _link(words, block.url, caution, sign=SIGNS[block.kind])
    return text


def _link(words: str, url: str, caution: Caution, *, sign: str = "") -> str:
    made = inline([Run(words)], caution, one_line=True)
    made = f"{sign} {made}".rstrip(" ") if sign else made
    return f"[{made}]({target(url)})" if is_linkable(url) else made


def _placeholder(block: Block, caution: Caution) -> str:
    if block.url and is_web(block.url):
        return _link(block.label, block.url, caution, sign=KEPT_SIGN)
    return f"{KEPT_SIGN} {inline([Run(block.label)], caution, one_line=True)}".rstrip(" ")


def _fence(block: Block) -> list[str]:
    text = block.text
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    info = "math" if block.kind == "equation" else info_of(block.language)
    return [f"{fence}{info}", *(text.split("\n") if text else []), fence]


def _table(block: Block) -> list[str]:
    rows = [row.cells for row in block.children]
    width = max((len(row) for row in rows), default=0)
    if not width:
        return []
    full = [[*row, *[()] * (width - len(row))] for row in rows]
    written = [[_cell(cell) for cell in row] for row in full]
    # A pipe table must have a head; one without gets an empty one.
    has_head = block.has_header and any(written[0])
    head = written.pop(0) if has_head else [""] * width
    return [_row(head), _row(["---"] * width), *(_row(row) for row in written)]


def _cell(runs: Sequence[Run]) -> str:
    text = "".join(run.text for run in runs)
    if not text or (_SIMPLE.fullmatch(text) and all(run.shown == Run(run.text) for run in runs)):
        return text
    goal = _joined_words([_edge_free(run.shown) for run in runs])
    made = ""
    for caution in Caution:
        made = inline(tuple(run.shown for run in runs), caution, one_line=True, in_table=True)
        read = blocks_of(f"| {made} | x |\n| --- | --- |")
        if len(read) != 1 or read[0].kind != "table" or len(read[0].children[0].cells) != 2:
            continue
        found = read[0].children[0].cells[0]
        if caution <= Caution.FULL and _joined_words(found) == goal:
            return made
        if caution > Caution.FULL and "".join(run.text for run in found) == text:
            return made
    return made


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
