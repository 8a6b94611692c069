"""How a tree of blocks stands in markdown: what nests, what follows at the same level, what is not shown; pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from integrations.connectors.notion.blocks.markdown_writer import as_read
from integrations.connectors.notion.blocks.model import NESTING, PLACEHOLDER, Block

#: Placeholders whose content can be shown and edited below them.
_CLEAR = ("column_list", "column", "template")


@dataclass(frozen=True, slots=True)
class Shown:
    """A block of the page in its place in the text. `parent_id` holds it there; `block` is as it would be read back.

    `inside` are the blocks around it that have no level of their own in markdown (a column, an indented paragraph),
    outermost first; new ones may be put into the first `room` of them. What is `is_locked` stays as it is.
    """

    block: Block
    source: Block
    parent_id: str
    below: tuple["Shown", ...] = ()
    inside: tuple[str, ...] = ()
    is_locked: bool = False
    room: int = 0

    @property
    def id(self) -> str:
        return self.source.id

    @property
    def whole(self) -> Block:
        """The block with everything nested in it, as markdown shows it."""
        return replace(self.block.own, children=tuple(child.whole for child in self.below))


def shown(
    blocks: Sequence[Block],
    parent_id: str,
    *,
    inside: tuple[str, ...] = (),
    is_locked: bool = False,
    room: int | None = None,
) -> tuple[Shown, ...]:
    """The blocks in the order of the text."""
    made: list[Shown] = []
    depth = len(inside) if room is None else room
    for block in blocks:
        if block.kind in NESTING:
            if not block.is_silent:
                made.append(replace(_nesting(block, parent_id, inside, is_locked=is_locked), room=depth))
            continue
        if not block.is_silent and not _is_seamless(block):
            read = as_read(replace(block, children=()))
            is_fixed = is_locked or block.kind == PLACEHOLDER
            made.append(Shown(read, block, parent_id, (), inside, is_fixed, depth))
        if block.children:
            is_kept = is_locked or (block.kind == PLACEHOLDER and block.raw.get("type") not in _CLEAR)
            space = depth if is_kept else room
            made += shown(block.children, block.id, inside=(*inside, block.id), is_locked=is_kept, room=space)
    return tuple(made)


def _nesting(block: Block, parent_id: str, inside: tuple[str, ...], *, is_locked: bool) -> Shown:
    read = as_read(block)
    if block.kind == "table":
        rows = zip(read.children, block.children, strict=True)
        below = tuple(Shown(row, source, block.id, is_locked=is_locked) for row, source in rows)
    else:
        below = shown(block.children, block.id, is_locked=is_locked)
    return Shown(replace(read, children=()), block, parent_id, below, inside, is_locked)


def _is_seamless(block: Block) -> bool:
    return block.kind == PLACEHOLDER and block.raw.get("type") == "column"


def flat(blocks: Sequence[Block]) -> tuple[Block, ...]:
    """The blocks as they stand in the text, as values to be written."""
    made: list[Block] = []
    for block in blocks:
        if block.kind in NESTING:
            if not block.is_silent:
                made.append(replace(block, children=flat(block.children)))
            continue
        if not block.is_silent and not _is_seamless(block):
            made.append(replace(block, children=()))
        made += flat(block.children)
    return tuple(made)
