"""Markdown as blocks, read by the same parser the console shows it with; pure."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markdown_it.tree import SyntaxTreeNode

from integrations.connectors.notion.blocks.languages import language_of
from integrations.connectors.notion.blocks.model import (
    CALLOUT_SIGN,
    KEPT_SIGN,
    PLACEHOLDER,
    SIGNS,
    TOGGLE_SIGN,
    Block,
    Run,
    is_linkable,
    is_web,
    joined,
)


def _parser() -> MarkdownIt:
    # Entities and escapes stay tokens of their own (no `text_join`): what a person wrote as `\[ ] ` is no box to tick.
    parser = (
        MarkdownIt("commonmark", {"html": False, "breaks": True, "linkify": False, "maxNesting": 60})
        .enable(["table", "strikethrough"])
        .disable("text_join")
    )
    parser.normalizeLink = lambda url: url  # type: ignore[method-assign]
    return parser


_PARSER: Final = _parser()
#: The same without addresses that are given once and used many times.
_WITHOUT_REFERENCES: Final = _parser().disable("reference")
#: What all addresses in a text may come to.
_MOST_CHARS_OF_ADDRESSES: Final = 400_000
_BOX: Final = re.compile(r"\[( |x|X)\](?: |$)")
#: A picture in front of a quote makes it a callout.
_ICON: Final = re.compile(
    "(?:[\U0001f1e6-\U0001f1ff]{2}|[\u203c-\u3299\U0001f000-\U0001faff][\ufe0f\u200d\U0001f3fb-\U0001f3ff"
    "\u2640\u2642\u2600-\u27bf\U0001f000-\U0001faff]*)(?= |$)"
)
_EMPTY: Final = "\u200b"


def is_icon(text: str) -> bool:
    """Whether this picture, in front of a quote, is read as the icon of a callout."""
    found = _ICON.match(text)
    return found is not None and found[0] == text


def blocks_of(markdown: str) -> tuple[Block, ...]:
    """The blocks of a text, without ids. Any text can be read; what has no block of its own is a paragraph."""
    text = markdown.replace("\r\n", "\n")
    tokens = _PARSER.parse(text)
    inline = [part for token in tokens for part in token.children or ()]
    if sum(len(str(value)) for part in inline for value in part.attrs.values()) > _MOST_CHARS_OF_ADDRESSES:
        # One long address, used ten thousand times, would make a text without end.
        tokens = _WITHOUT_REFERENCES.parse(text)
    return tuple(_blocks(SyntaxTreeNode(tokens).children))


def _blocks(nodes: Iterable[SyntaxTreeNode]) -> list[Block]:
    made: list[Block] = []
    for node in nodes:
        if node.type == "bullet_list":
            made += [_item(item, "bulleted_list_item") for item in node.children]
        elif node.type == "ordered_list":
            made += [_item(item, "numbered_list_item") for item in node.children]
        else:
            made.append(_block(node))
    return made


def _block(node: SyntaxTreeNode) -> Block:
    match node.type:
        case "heading":
            return Block(f"heading_{min(int(node.tag[1]), 4)}", runs=_inline(node))
        case "fence" | "code_block":
            text = node.content.removesuffix("\n")
            info = node.info.strip() if node.type == "fence" else ""
            if info.lower() == "math":
                return Block("equation", runs=joined([Run(text)]))
            return Block("code", runs=joined([Run(text)]), language=language_of(info))
        case "hr":
            return Block("divider")
        case "blockquote":
            return _quote(node)
        case "table":
            return _table(node)
        case "paragraph":
            return _paragraph(node)
    return Block("paragraph", runs=joined([Run(node.content)]))  # pragma: no cover


def _item(node: SyntaxTreeNode, kind: str) -> Block:
    first, rest = _first_paragraph(node)
    children = tuple(_blocks(rest))
    sign = _raw_start(first)
    runs = _runs(first)
    if kind == "bulleted_list_item" and (box := _BOX.match(sign)):
        runs = _without_start(runs, len(box[0]))
        return Block("to_do", runs=runs, checked=box[1] != " ", children=children)
    if kind == "bulleted_list_item" and _starts(sign, TOGGLE_SIGN):
        return Block("toggle", runs=_without_start(runs, len(TOGGLE_SIGN) + 1), children=children)
    return Block(kind, runs=runs, children=children)


def _quote(node: SyntaxTreeNode) -> Block:
    first, rest = _first_paragraph(node)
    children = tuple(_blocks(rest))
    sign, runs = _raw_start(first), _runs(first)
    if found := _ICON.match(sign):
        icon = "" if found[0] == CALLOUT_SIGN else found[0]
        rest_of = _without_start(runs, len(found[0]) + 1)
        return Block("callout", runs=rest_of, icon=icon, children=children)
    return Block("quote", runs=runs, children=children)


def _first_paragraph(node: SyntaxTreeNode) -> tuple[SyntaxTreeNode | None, Sequence[SyntaxTreeNode]]:
    nodes = node.children
    if nodes and nodes[0].type == "paragraph" and _special(nodes[0]) is None:
        return nodes[0], nodes[1:]
    return None, nodes


def _paragraph(node: SyntaxTreeNode) -> Block:
    return _special(node) or Block("paragraph", runs=_runs(node))


def _special(node: SyntaxTreeNode) -> Block | None:
    """A paragraph that stands for another block: a picture, a file, a formula, a placeholder."""
    content = node.children[0].content if node.children else ""
    formula = re.fullmatch(r"\$\$\s*(.+?)\s*\$\$", content, re.DOTALL)
    if formula and "$$" not in formula[1]:
        return Block("equation", runs=(Run(formula[1]),))
    children = node.children[0].children if node.children else []
    if len(children) == 1 and children[0].type == "image" and is_web(str(children[0].attrs.get("src", ""))):
        token = children[0].token
        return Block("image", url=str(children[0].attrs["src"]), runs=joined([Run(_words(token))]))
    sign = _raw_start(node)
    if _starts(sign, KEPT_SIGN) and all(child.type in ("text", "text_special") for child in children):
        return Block(PLACEHOLDER, label=_plain(node)[len(KEPT_SIGN) + 1 :])
    if len(children) != 1 or children[0].type != "link":
        return None
    url, link = str(children[0].attrs.get("href", "")), children[0]
    sign = link.children[0].content if link.children and link.children[0].type == "text" else ""
    words = "".join(run.text for run in _runs(node))
    if _starts(sign, KEPT_SIGN):
        return Block(PLACEHOLDER, label=words[len(KEPT_SIGN) + 1 :], url=url)
    for kind, mark in SIGNS.items():
        if _starts(sign, mark) and is_web(url):
            caption = words[len(mark) + 1 :]
            runs = () if caption == name_in(url) else joined([Run(caption)])
            return Block(kind, url=url, runs=runs)
    return None


def name_in(url: str) -> str:
    """What stands for a file or a link that has no words of its own."""
    name = re.split(r"[?#]", url)[0].rstrip("/").rpartition("/")[2]
    return name if "." in name and not url.rstrip("/").endswith(f"//{name}") else url


def _table(node: SyntaxTreeNode) -> Block:
    rows = [row for part in node.children for row in part.children]
    cells = [tuple(_inline(cell) for cell in row.children) for row in rows]
    head, rest = cells[0], cells[1:]
    has_header = any(head)
    shown = cells if has_header or not rest else rest
    children = tuple(Block("table_row", cells=row) for row in shown)
    return Block("table", has_header=has_header, children=children)


def _inline(node: SyntaxTreeNode) -> tuple[Run, ...]:
    return _runs(node)


def _runs(node: SyntaxTreeNode | None) -> tuple[Run, ...]:
    if node is None or not node.children:
        return ()
    token = node.children[0].token
    assert token is not None
    runs = runs_of(token.children or [])
    return () if len(runs) == 1 and runs[0] == Run(_EMPTY) else runs


def inline_runs(markdown: str) -> tuple[Run, ...]:
    """The runs of one line of markdown."""
    return runs_of(_PARSER.parseInline(markdown)[0].children or [])


def runs_of(tokens: Sequence[Token]) -> tuple[Run, ...]:
    """The runs of what stands inside a block."""
    made: list[Run] = []
    depth = {"strong": 0, "em": 0, "s": 0}
    link, opened = "", 0
    for place, token in enumerate(tokens):
        name, _, side = token.type.rpartition("_")
        if name in depth:
            depth[name] += 1 if side == "open" else -1
            continue
        if name == "link":
            link = str(token.attrs.get("href", "")) if side == "open" else ""
            link = link if is_linkable(link) else ""
            continue
        style = Run("", bold=depth["strong"] > 0, italic=depth["em"] > 0, strike=depth["s"] > 0, link=link)
        match token.type:
            case "code_inline":
                if _is_formula(tokens, place):
                    made[-1] = replace(made[-1], text=made[-1].text[:-1])
                    opened = place + 1
                    made.append(replace(style, text=token.content, is_equation=True))
                else:
                    made.append(replace(style, text=token.content, code=True))
            case "softbreak" | "hardbreak":
                made.append(replace(style, text="\n"))
            case "image":
                url = str(token.attrs.get("src", ""))
                made.append(replace(style, text=_words(token), link=url if is_linkable(url) else ""))
            case _:
                text = token.content[1:] if place == opened and opened else token.content
                made.append(replace(style, text=text))
    return joined(made)


def _words(token: Token | None) -> str:
    return "".join(run.text for run in runs_of((token.children if token else None) or []))


def _is_formula(tokens: Sequence[Token], place: int) -> bool:
    if place == 0 or place + 1 >= len(tokens):
        return False
    before, after = tokens[place - 1], tokens[place + 1]
    is_raw = before.type == after.type == "text"
    return is_raw and before.content.endswith("$") and after.content.startswith("$")


def _raw_start(node: SyntaxTreeNode | None) -> str:
    """The first words as a person typed them; nothing when they begin with an escape or a mark."""
    if node is None or not node.children or not node.children[0].children:
        return ""
    first = node.children[0].children[0]
    return first.content if first.type == "text" else ""


def _plain(node: SyntaxTreeNode) -> str:
    return "".join(run.text for run in _runs(node))


def _starts(text: str, sign: str) -> bool:
    return text == sign or text.startswith(f"{sign} ")


def _without_start(runs: Sequence[Run], length: int) -> tuple[Run, ...]:
    left = list(runs)
    while length > 0 and left:
        cut = min(length, len(left[0].text))
        left[0] = replace(left[0], text=left[0].text[cut:])
        length -= cut
        if not left[0].text:
            left.pop(0)
    return joined(left)
