"""One page of remote records on its way in: the records, what is stored about them, and what they share."""

from dataclasses import dataclass

from integrations.capabilities import RemoteRecord
from integrations.models import ExternalLink, SyncedCollection, SyncRunCollection
from integrations.sync.problems import Problem
from integrations.sync.session import SyncSession
from integrations.sync.translate import CollectionMapping


@dataclass(frozen=True, slots=True)
class Candidate:
    """A record of the page, what is stored about it, and the hash of what came."""

    record: RemoteRecord
    link: ExternalLink | None
    hash: str
    #: The state of the link when the record came; empty where there was none.
    was_in: str = ""

    @property
    def is_unchanged(self) -> bool:
        link = self.link
        if link is None or link.state != ExternalLink.State.CLEAN:
            return False
        if link.base is None and link.task_id is not None:
            # A link of before: what both sides agree on has to be found out once.
            return False
        return link.content_hash == self.hash and not self.record.is_trashed


@dataclass(frozen=True, slots=True)
class PageContext:
    """What all records of a page share."""

    session: SyncSession
    part: SyncRunCollection
    mapping: CollectionMapping

    @property
    def collection(self) -> SyncedCollection:
        return self.part.collection


def record_problem(code: str, detail: str, record: RemoteRecord) -> Problem:
    """A problem with one record."""
    return Problem(code, detail, remote_id=record.id, title=record.title, url=record.url)
