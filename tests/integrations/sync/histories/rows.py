"""One piece of work as a history knows it: what each side was told of each field since both agreed."""

from dataclasses import dataclass, field
from typing import Any, Final

HERE, THERE = "here", "there"
#: Fields with one value, the last two are the paragraphs of a text; and fields with many.
PLAIN: Final = ("title", "estimate", "due", "priority", "parent")
TEXTS: Final = ("text0", "text1")
SETS: Final = ("tags", "people", "blockers")
FIELDS: Final = (*PLAIN, *TEXTS, *SETS)
#: Rows others may point to; nobody throws them away, and they point to nobody.
ANCHORS: Final = (0, 1)


@dataclass
class Row:
    """`edits` by field: (side, value) for a field with one value, (side, element, is it added) for one with many."""

    number: int
    page_id: str = ""
    task_id: Any = None
    agreed: dict[str, Any] = field(default_factory=dict)
    edits: dict[str, list[tuple[Any, ...]]] = field(default_factory=dict)
    #: (side, whether it lives) since both agreed.
    lives: list[tuple[str, bool]] = field(default_factory=list)
    #: Fields that were written there while what stood there was not what we believed: the gap of decision 0018.
    overwritten: set[str] = field(default_factory=set)
    #: Fields both sides changed with nothing in between: a conflict if there ever was one.
    clashes: set[str] = field(default_factory=set)
    #: Fields about which somebody has decided, or whose record was away: any value anybody gave them may stand.
    loose: set[str] = field(default_factory=set)

    def note(self, name: str, *edit: Any) -> None:
        self.edits.setdefault(name, []).append(edit)

    def sides(self, name: str) -> dict[str, tuple[Any, ...]]:
        """The last edit of each side."""
        return {edit[0]: edit for edit in self.edits.get(name, [])}

    @property
    def has_texts(self) -> bool:
        return self.agreed.get("text0") is not None

    @property
    def is_anchor(self) -> bool:
        return self.number in ANCHORS

    def agree(self, values: dict[str, Any], *, is_alive: bool) -> None:
        """Both sides are equal: from here on the next edits count."""
        self.agreed = {**values, "alive": is_alive}
        self.edits, self.lives = {}, []
        self.overwritten, self.clashes, self.loose = set(), set(), set()
