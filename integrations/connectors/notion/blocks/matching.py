"""Which block of the page is which block of the new text; pure."""

from collections.abc import Sequence
from difflib import SequenceMatcher
from typing import Final

from integrations.connectors.notion.blocks.model import PLACEHOLDER, Block
from integrations.connectors.notion.blocks.view import Shown

#: A gap with more pairs than this is matched in order instead of by likeness.
_MOST_PAIRS: Final = 10_000
_NEVER: Final = 10.0


def pairs(old: Sequence[Shown], new: Sequence[Block]) -> list[tuple[int, int]]:
    """Places (old, new) of blocks that are the same one, in the order of both.

    Equal blocks first (with all that is in them), then, between them, blocks of one kind by how much alike they are:
    changing words keeps a block's id, and with it comments, links and colours there.
    """
    keys: dict[Block, int] = {}
    old_keys = [keys.setdefault(item.whole, len(keys)) for item in old]
    new_keys = [keys.setdefault(_whole(item), len(keys)) for item in new]
    matcher = SequenceMatcher(None, old_keys, new_keys, autojunk=False)
    found: list[tuple[int, int]] = []
    for tag, a, b, c, d in matcher.get_opcodes():
        if tag == "equal":
            found += list(zip(range(a, b), range(c, d), strict=True))
        elif tag == "replace":
            found += [(a + i, c + j) for i, j in _alike(old[a:b], new[c:d])]
    return found


def _whole(block: Block) -> Block:
    own = block.own
    children = tuple(_whole(child) for child in block.children)
    return Block(
        own.kind, own.runs, children, own.checked, own.language, own.url, own.icon, own.label, own.cells,
        own.has_header,
    )  # fmt: skip


def _alike(old: Sequence[Shown], new: Sequence[Block]) -> list[tuple[int, int]]:
    """The cheapest pairing that keeps the order: a change costs one call, so does a deletion."""
    if len(old) * len(new) > _MOST_PAIRS:
        return _in_order(old, new)
    rows, columns = len(old) + 1, len(new) + 1
    cost = [[0.0] * columns for _ in range(rows)]
    for i in range(1, rows):
        cost[i][0] = float(i)
    for j in range(1, columns):
        cost[0][j] = j * 0.6
    seen = [(item, item.block.own, _words(item.block, item.below)[:400]) for item in old]
    wanted = [(block, block.own, _words(block, block.children)[:400]) for block in new]
    changes = [[_change(*there, *here) for here in wanted] for there in seen]
    for i in range(1, rows):
        for j in range(1, columns):
            together = cost[i - 1][j - 1] + changes[i - 1][j - 1]
            cost[i][j] = min(together, cost[i - 1][j] + 1.0, cost[i][j - 1] + 0.6)
    found: list[tuple[int, int]] = []
    i, j = rows - 1, columns - 1
    while i and j:
        change = changes[i - 1][j - 1]
        if change < _NEVER and cost[i][j] == cost[i - 1][j - 1] + change:
            i, j = i - 1, j - 1
            found.append((i, j))
        elif cost[i][j] == cost[i - 1][j] + 1.0:
            i -= 1
        else:
            j -= 1
    return found[::-1]


def _change(old: Shown, old_own: Block, before: str, new: Block, new_own: Block, after: str) -> float:
    if old_own.kind != new_own.kind or not can_become(old, new):
        return _NEVER
    if old_own == new_own:
        return 0.0
    if not before or not after:
        return 1.4
    return 1.5 - SequenceMatcher(None, before, after, autojunk=False).quick_ratio()


def _words(block: Block, below: Sequence[Shown] | Sequence[Block]) -> str:
    if block.text or not below:
        return block.text or block.url + "".join(run.text for cell in block.cells for run in cell)
    first = below[0]
    inner = first.block if isinstance(first, Shown) else first
    return "".join(run.text for cell in inner.cells for run in cell)


def can_become(old: Shown, new: Block) -> bool:
    """Whether one call can make the old block the new one."""
    if old.block.kind != new.kind:
        return False
    if old.is_locked or new.kind == PLACEHOLDER:
        return old.block.own == new.own
    if new.kind == "table":
        # How wide a table is, is settled when it is made; whether it has a head can be changed.
        return _width(tuple(row.block for row in old.below)) == _width(new.children)
    if new.kind == "callout":
        # Another picture is one call; taking an icon away is none Notion offers.
        return bool(new.icon) or not old.block.icon
    if new.kind in ("image", "video", "audio", "pdf", "file"):
        return old.block.url == new.url
    return True


def _width(rows: Sequence[Block]) -> int:
    return max((len(row.cells) for row in rows), default=0)


def _in_order(old: Sequence[Shown], new: Sequence[Block]) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    at = 0
    for place, item in enumerate(old):
        for other in range(at, min(len(new), at + 50)):
            if can_become(item, new[other]):
                found.append((place, other))
                at = other + 1
                break
    return found
