"""The calls that change a page's content; pure values."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

type Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Append:
    """New blocks under a parent: behind one of its children, or before all of them (`after_id` None)."""

    parent_id: str
    after_id: str | None
    blocks: tuple[Json, ...]


@dataclass(frozen=True, slots=True)
class Update:
    """Other words for one block of the same kind."""

    block_id: str
    kind: str
    content: Json


@dataclass(frozen=True, slots=True)
class Delete:
    """One block, with all that is below it, to the trash."""

    block_id: str


type Step = Append | Update | Delete


@dataclass(frozen=True, slots=True)
class Plan:
    """The calls that make the content there what the text says; the page has to be read again unless `is_whole`."""

    steps: tuple[Step, ...]
    is_whole: bool = True
