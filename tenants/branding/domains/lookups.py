"""What name servers say of a domain: two that know nothing of each other are asked, and both have to say it."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from django.utils.translation import gettext

from tenants.foundation.dns import (
    LookupFailed,
    Place,
    Server,
    known_servers,
    place_of,
    txt_records,
)

NEEDED: Final = 2


class Proof(StrEnum):
    """What the two say of the record."""

    THERE = "there"
    GONE = "gone"
    # Nothing can be said: it counts neither for nor against the company.
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Found:
    """What was found out about a domain; each problem is a sentence for a person, "" when there is none."""

    proof: Proof
    proof_problem: str = ""
    leads_here: bool = False
    route_problem: str = ""


type LookUp = Callable[[str, str, str, str], Found]


def look_up(host: str, record: str, value: str, target: str) -> Found:
    """Ask two name servers for the record that proves ``host`` and whether the name leads to ``target``.

    Takes seconds and must run outside any transaction.
    """
    servers = resolvers()
    if len(servers) < NEEDED:
        return Found(
            Proof.UNKNOWN,
            gettext("This platform knows fewer than two name servers: whoever runs it has to name them."),
        )
    proof, problem = _proof(record, value, servers)
    if proof is not Proof.THERE:
        return Found(proof, problem)
    leads_here, route_problem = _route(host, target, servers)
    return Found(proof, "", leads_here, route_problem)


def resolvers() -> list[Server]:
    """The two name servers that are asked, fewer where no more are known."""
    return list(dict.fromkeys(known_servers()))[:NEEDED]


def _proof(record: str, value: str, servers: Sequence[Server]) -> tuple[Proof, str]:
    answers = _from_each(lambda server: txt_records(record, servers=[server]), servers)
    known = [answer for answer in answers if answer is not None]
    has_it = [value in answer for answer in known]
    if len(known) < NEEDED:
        return Proof.UNKNOWN, gettext("A name server gave no usable answer. Try again in a minute.")
    if all(has_it):
        return Proof.THERE, ""
    if any(has_it):
        return Proof.GONE, gettext(
            "One name server sees the record, another does not. A new record takes up to an hour to be seen everywhere."
        )
    if any(known):
        return Proof.GONE, gettext(
            "There are TXT records at %(name)s, none with the value shown. Several may stand side by side."
        ) % {"name": record}
    return Proof.GONE, gettext("There is no TXT record at %(name)s.") % {"name": record}


def _route(host: str, target: str, servers: Sequence[Server]) -> tuple[bool, str]:
    ours = _from_each(lambda server: place_of(target, servers=[server]), servers)
    theirs = _from_each(lambda server: place_of(host, servers=[server]), servers)
    known = [(each, our) for each, our in zip(theirs, ours, strict=True) if each is not None]
    if not known:
        return False, gettext("A name server gave no usable answer. Try again in a minute.")
    if all(_leads(each, target, our) for each, our in known):
        return True, ""
    if not any(each.aliases or each.addresses for each, _ in known):
        return False, gettext("%(host)s leads nowhere yet: make the CNAME record.") % {"host": host}
    seen = sorted({*known[0][0].aliases[-1:], *known[0][0].addresses})[:3]
    return False, gettext("%(host)s leads to %(seen)s and not to %(target)s.") % {
        "host": host, "seen": ", ".join(seen), "target": target,
    }  # fmt: skip


def _leads(place: Place, target: str, ours: Place | None) -> bool:
    if target in place.aliases:
        return True
    # The top of a domain can be no alias: there it has our addresses, and no others beside them.
    return bool(ours and place.addresses) and place.addresses <= (ours.addresses if ours else frozenset())


def _from_each[T](ask: Callable[[Server], T], servers: Sequence[Server]) -> list[T | None]:
    """What each server answers, asked side by side; None for one that gave no usable answer."""

    def answer(server: Server) -> T | None:
        try:
            return ask(server)
        except LookupFailed:
            return None

    with ThreadPoolExecutor(len(servers), thread_name_prefix="dns") as pool:
        return list(pool.map(answer, servers))
