"""Hypothesis makes texts and trees of blocks, the odd ones included."""

from typing import Any

from hypothesis import strategies as st

from integrations.connectors.notion.blocks.model import HEADINGS, LISTED, PLACEHOLDER, Block, Run, joined

ODD = [
    "plain words", "a_b_c", "*", "**", "`", "``", "[x] ", "[ ] ", "- ", "1. ", "1)", "#", "> ", "|", "---", "$", "~~",
    "\n", "\n\n", " ", "    ", "&amp;", "&#8203;", "<b>", "<https://x.example>", "\\", "!", "[a](b)", "💡 ", "⧉ ",
    "▸ ", "📎 ", "$$", "```", "==", "_", "+ ", "\t", "snake_case", "2 * 3 * 4", "a|b", "é", "字", "https://x.example",
]  # fmt: skip


def _clean(text: str) -> str:
    """Without signs that no markdown can carry, and Notion's text does not hold either."""
    kept = "".join(sign for sign in text if " " <= sign < "\x7f" or sign >= "\xa0" or sign in "\n\t")
    return kept.encode("utf-8", "ignore").decode().replace("\u200b", "")


CLEAN = (st.text(min_size=1, max_size=12) | st.sampled_from(ODD)).map(_clean)
URLS = st.sampled_from(
    [
        "https://x.example/a",
        "https://x.example/a_(b)",
        "https://x.example/?q=a b&c=%20",
        "mailto:ada@x.example",
    ]
)


@st.composite
def runs(draw: st.DrawFn, *, most: int = 4) -> tuple[Run, ...]:
    made = []
    for _ in range(draw(st.integers(0, most))):
        text = draw(CLEAN)
        if draw(st.integers(0, 3)):
            made.append(Run(text))
            continue
        flags: dict[str, Any] = {name: draw(st.booleans()) for name in ("bold", "italic", "strike", "code")}
        color = draw(st.sampled_from(["default", "red", "blue_background"]))
        made.append(Run(text, link=draw(st.just("") | URLS), color=color, **flags))
    return joined(made)


@st.composite
def blocks(draw: st.DrawFn, *, depth: int = 2) -> Block:
    kind = draw(
        st.sampled_from(
            ["paragraph", *HEADINGS, *LISTED, "quote", "callout", "code", "equation", "divider", "table", "image",
             "file", "bookmark", PLACEHOLDER]
        )
    )  # fmt: skip
    if kind in ("image", "file", "bookmark"):
        return Block(
            kind, url="https://x.example/files/plan.pdf", runs=joined([Run(draw(st.just("") | CLEAN))])
        )
    if kind == PLACEHOLDER:
        return Block(
            kind, label="Synced block", url=draw(st.sampled_from(["", "https://www.notion.so/" + "a" * 32]))
        )
    if kind == "divider":
        return Block(kind)
    if kind in ("code", "equation"):
        language = draw(st.sampled_from(["python", "plain text", "c++"])) if kind == "code" else ""
        return Block(
            kind, runs=joined([Run(draw(st.lists(CLEAN, max_size=4).map("".join)))]), language=language
        )
    if kind == "table":
        width = draw(st.integers(1, 3))
        rows = draw(st.lists(st.lists(runs(most=2), min_size=width, max_size=width), min_size=1, max_size=3))
        children = tuple(Block("table_row", cells=tuple(row)) for row in rows)
        return Block(kind, has_header=draw(st.booleans()), children=children)
    children = tuple(draw(trees(depth=depth - 1))) if depth and kind in (*LISTED, "quote", "callout") else ()
    icon = draw(st.sampled_from(["💡", "⚠️", "🇩🇪", ""])) if kind == "callout" else ""
    checked = draw(st.booleans()) if kind == "to_do" else False
    return Block(kind, runs=draw(runs()), children=children, icon=icon, checked=checked)


def trees(*, depth: int = 2, most: int = 4) -> st.SearchStrategy[list[Block]]:
    return st.lists(blocks(depth=depth), max_size=most)
