"""What will be made and what is taken over, before anything happens; pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from integrations.bootstrap.blueprint import BLUEPRINT, BY_KEY, Database
from integrations.capabilities import RemoteCollection, RemoteField
from integrations.sync.vocabulary import normal

MAKE: Final = "make"
ADOPT: Final = "adopt"
SKIP: Final = "skip"
ACTIONS: Final = (MAKE, ADOPT, SKIP)


@dataclass(frozen=True, slots=True)
class Planned:
    """What happens to one database of the blueprint. `missing` names the columns an adopted one does not have."""

    key: str
    action: str
    collection_id: str = ""
    container_id: str = ""
    title: str = ""
    missing: tuple[str, ...] = ()

    @property
    def database(self) -> Database:
        """The database of the blueprint."""
        return BY_KEY[self.key]

    def as_json(self) -> dict[str, Any]:
        """The plan of one database, to be stored."""
        return {
            "action": self.action,
            "collection_id": self.collection_id,
            "container_id": self.container_id,
            "title": self.title,
        }


def plan_setup(
    collections: Iterable[RemoteCollection], choices: Mapping[str, str] | None = None
) -> list[Planned]:
    """The plan for every database of the blueprint, in the order in which they are made.

    A database whose title is one of the known names is proposed for adoption, the one with the most of our columns
    first; none is adopted twice. ``choices`` (key → `make`, `adopt`, `skip`) are a person's; `adopt` without a database
    that fits becomes `make`.
    """
    left = list(collections)
    planned: list[Planned] = []
    for database in BLUEPRINT:
        found = _best(database, left)
        wanted = (choices or {}).get(database.key, ADOPT if found else MAKE)
        if wanted == ADOPT and found is not None:
            left.remove(found)
            missing = tuple(_missing(database, found.fields))
            planned.append(Planned(database.key, ADOPT, found.id, found.container_id, found.title, missing))
        else:
            planned.append(Planned(database.key, SKIP if wanted == SKIP else MAKE, title=database.title))
    return planned


def _best(database: Database, collections: Sequence[RemoteCollection]) -> RemoteCollection | None:
    names = {normal(word) for word in (database.title, *database.words)}
    fitting = [item for item in collections if normal(item.title) in names and not item.is_trashed]
    return max(fitting, key=lambda item: (-len(list(_missing(database, item.fields))), item.id), default=None)


def _missing(database: Database, fields: Sequence[RemoteField]) -> list[str]:
    present = {normal(item.name) for item in fields}
    has_title = {
        field.name for field in database.fields[:1]
    }  # every database has a title, whatever it is called
    wanted = [field.name for field in database.fields if field.name not in has_title]
    wanted += [relation.name for relation in database.relations]
    return [name for name in wanted if normal(name) not in present]
