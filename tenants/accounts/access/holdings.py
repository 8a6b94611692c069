"""What somebody holds, and where: a value that is put together, cut down and asked."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from uuid import UUID

from tenants.accounts.access.catalogue import is_scoped
from tenants.accounts.access.roles import ScopeType


@dataclass(frozen=True, slots=True)
class Scope:
    """A part of the company: one department or one project."""

    type: ScopeType
    id: UUID

    def __str__(self) -> str:
        return f"{self.type.value}:{self.id}"


@dataclass(frozen=True, slots=True)
class Holding:
    """Codes held in the whole company, and pairs of a code and the part of the company it is held in."""

    everywhere: frozenset[str] = frozenset()
    within: frozenset[tuple[str, Scope]] = frozenset()

    @classmethod
    def of(cls, codes: Iterable[str], scope: Scope | None = None) -> "Holding":
        """Hold codes everywhere, or in one part those that can hold in a part."""
        if scope is None:
            return cls(frozenset(codes))
        return cls(within=frozenset((code, scope) for code in codes if is_scoped(code)))

    def __or__(self, other: "Holding") -> "Holding":
        return Holding(self.everywhere | other.everywhere, self.within | other.within)

    def __and__(self, other: "Holding") -> "Holding":
        """What both hold: in a part also where one holds it there and the other everywhere."""
        within = {pair for pair in self.within if pair[0] in other.everywhere or pair in other.within}
        within |= {pair for pair in other.within if pair[0] in self.everywhere}
        return Holding(self.everywhere & other.everywhere, frozenset(within))

    def limited_to(self, codes: Collection[str]) -> "Holding":
        """Keep some codes only."""
        return Holding(
            frozenset(code for code in self.everywhere if code in codes),
            frozenset(pair for pair in self.within if pair[0] in codes),
        )

    def without(self, prefix: str) -> "Holding":
        """Leave out the codes of a package."""
        return Holding(
            frozenset(code for code in self.everywhere if not code.startswith(prefix)),
            frozenset(pair for pair in self.within if not pair[0].startswith(prefix)),
        )

    def covers(self, other: "Holding") -> bool:
        """Say whether everything the other holds is held here too."""
        return other.everywhere <= self.everywhere and all(
            pair[0] in self.everywhere or pair in self.within for pair in other.within
        )

    def scopes(self, code: str) -> frozenset[Scope]:
        """The parts of the company a code is held in, besides everywhere."""
        return frozenset(scope for held, scope in self.within if held == code)

    def anywhere(self) -> frozenset[str]:
        """The codes held in any part."""
        return self.everywhere | frozenset(code for code, _ in self.within)


NOTHING = Holding()
