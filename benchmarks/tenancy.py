"""Tenancy beside the field: django-tenants, django-pgschemas and plain Django, in one run on one server.

Every system has databases of its own with the product's own tables (the tenant apps of this release, so the same
models and migrations), and works in processes of its own that take turns, so that all meet the same load. Times are
taken inside those processes, without the start of an interpreter. Commits are durable everywhere.

- create: a tenant and its host, ready to be used, as each documentation says to: by migrations, by cloning a
  reference schema, ours from the template's script and ours by claiming a schema made ahead. Median of the rounds.
- nothing to do / one more field: the command that brings all tenants to the newest migrations, whole, once per way
  (ours: the faster of two for nothing to do). Their schemas were filled in from a dump, to save an hour.
- request: WSGI called directly, a view with one query or ten, five tenants in turn, rounds interleaved; medians.
  Overhead is what a request takes longer than plain Django's. Theirs look the tenant up in every request, ours keeps
  its directory in memory: part of the design that is compared.
- many tenants: ours beside plain Django while there are ten tenants and again when there are a thousand, ten in turn;
  and going round all thousand on one connection, which is replaced after every two hundred companies, so that each of
  these requests finds the server's caches cold.
- PgBouncer: transaction pooling, eight threads on fewer connections, reads at random from four tenants.
"""

import os
from contextlib import ExitStack
from typing import Any

from benchmarks.peers.processes import Peer, peer
from benchmarks.results import median, milliseconds, save

TENANTS = int(os.environ.get("BENCH_TENANTS", "500"))
ROUNDS, PER_ROUND, HOSTS = 40, 25, 5
CREATED, FEW, READS = 7, 10, 1200
MANY = int(os.environ.get("BENCH_MANY_TENANTS", "1000"))
LIBRARIES = ("django_tenants", "django_pgschemas")
WAYS = {
    "django_tenants": ("standard", "multiprocessing"),
    # Its threads load the same migrations at once, which the one with a field more does not survive: hence last.
    "django_pgschemas": ("parallel", "sequential"),
    "ours": ("one", "two"),
}
LIMITED = {"BENCH_LIMIT_SET_CALLS": "1"}


def main() -> None:
    """Measure and write ``results/tenancy.json``."""
    systems = ("plain", *LIBRARIES, "ours")
    try:
        for system in systems:
            with peer(system) as worker:
                worker.ask("databases")
                worker.ask("prepare")
        with peer("ours") as worker:
            worker.ask("fill", first=0, count=FEW)
            worker.ask("mark", count=FEW)
        few = beside_plain()
        figures: dict[str, Any] = {"tenants": TENANTS, "create": creation()}
        for system in (*LIBRARIES, "ours"):
            with peer(system) as worker:
                there = FEW if system == "ours" else 0
                worker.ask("fill", first=there, count=TENANTS - there)
                worker.ask("mark", count=HOSTS)
        figures["request"] = requests()
        figures["pgbouncer"] = pooled_reads()
        figures["nothing_to_do"] = migrations()
        figures["one_more_field"] = migrations(BENCH_ONE_MORE_FIELD="1")
        figures["many_tenants"] = many_tenants(few)
        figures["ratios"] = ratios(figures)
    finally:
        for system in systems:
            with peer(system) as worker:
                worker.ask("drop")
    save("tenancy", (__doc__ or "").strip(), figures)
    for name, row in figures["ratios"].items():
        print(f"{name}: {row['measured']} (promised {row['promised']})")


def creation() -> dict[str, Any]:
    """Median seconds of every way to make a tenant, in turn."""
    by_migrate = {"BENCH_BY_MIGRATE": "1"}
    times: dict[str, list[float]] = {}
    with ExitStack() as stack:
        ways: dict[str, Peer] = {
            **{f"{name}, migrate": stack.enter_context(peer(name, **by_migrate)) for name in LIBRARIES},
            **{f"{name}, clone": stack.enter_context(peer(name)) for name in LIBRARIES},
            "ours, from the template": stack.enter_context(peer("ours")),
        }
        for number in range(CREATED):
            for way, worker in ways.items():
                seconds = worker.ask("create")
                if number:  # the first one loads code and opens connections
                    times.setdefault(way, []).append(seconds)
        ours = ways["ours, from the template"]
        made_ahead = ours.ask("have_spares", count=CREATED)
        times["ours, claimed"] = [ours.ask("create") for _ in range(CREATED)]
    return {
        **{way: {"median_s": round(median(taken), 4), "rounds": len(taken)} for way, taken in times.items()},
        "made_ahead_s_each": round(made_ahead / CREATED, 4),
    }


def requests() -> dict[str, Any]:
    """Median milliseconds per request of every system and setting, in turn, with one query and with ten."""
    with ExitStack() as stack:
        peers = {
            "plain": stack.enter_context(peer("plain")),
            "ours": stack.enter_context(peer("ours")),
            **{name: stack.enter_context(peer(name)) for name in LIBRARIES},
            **{f"{name}, fewer SETs": stack.enter_context(peer(name, **LIMITED)) for name in LIBRARIES},
        }
        result: dict[str, Any] = {}
        for queries in (1, 10):
            times: dict[str, list[float]] = {name: [] for name in peers}
            for round_number in range(-2, ROUNDS):
                for name, worker in peers.items():
                    hosts = 1 if name == "plain" else HOSTS
                    taken = worker.ask("requests", queries=queries, hosts=hosts, count=PER_ROUND)
                    if round_number >= 0:
                        times[name] += taken
            plain = median(times["plain"])
            result[f"{queries} queries"] = {
                name: {
                    "p50_ms": milliseconds(median(taken)),
                    "to_plain": round(median(taken) / plain, 3),
                    "overhead_ms": milliseconds(median(taken) - plain),
                }
                for name, taken in times.items()
            }
    return result


def migrations(**environment: str) -> dict[str, Any]:
    """Seconds of the whole command in every way; the field, when there is one, goes to another half of the ways.

    A way that comes second would find nothing left to do, so with one more field each library is measured in its
    quicker way only.
    """
    result: dict[str, Any] = {}
    for system, ways in WAYS.items():
        with peer(system, **environment) as worker:
            if not environment:
                taken = {way: worker.ask("migrate", way=way) for way in ways}
                result |= (
                    {"ours": round(min(taken.values()), 4)}
                    if system == "ours"
                    else {f"{system}, {way}": round(seconds, 3) for way, seconds in taken.items()}
                )
                continue
            way = ways[-1]
            result[system if system == "ours" else f"{system}, {way}"] = round(
                worker.ask("migrate", way=way), 4
            )
            if not all(worker.ask("check_field", number=number) for number in (0, TENANTS // 2, TENANTS - 1)):
                raise RuntimeError(f"{system} did not add the field.")
    return result


def pooled_reads() -> dict[str, Any]:
    """Wrong-tenant reads behind PgBouncer."""
    result: dict[str, Any] = {}
    for system in (*LIBRARIES, "ours"):
        with peer(system, **LIMITED) as worker:
            result[system] = worker.ask("pooled_reads", threads=8, tenants=4, count=READS)
    return result


def beside_plain() -> float:
    """How many times as long as plain Django ours takes for a request, ten tenants in turn, rounds interleaved."""
    with peer("plain") as plain, peer("ours") as ours:
        times: dict[str, list[float]] = {"plain": [], "ours": []}
        for round_number in range(-2, ROUNDS):
            for name, worker, hosts in (("plain", plain, 1), ("ours", ours, FEW)):
                taken = worker.ask("requests", queries=1, hosts=hosts, count=PER_ROUND)
                if round_number >= 0:
                    times[name] += taken
    return median(times["ours"]) / median(times["plain"])


def many_tenants(few: float) -> dict[str, Any]:
    """The same requests once there are a thousand tenants, and requests that go round all of them."""
    with peer("ours") as worker:
        worker.ask("fill", first=TENANTS, count=max(0, MANY - TENANTS))
        worker.ask("mark", count=MANY)
        times: dict[int, list[float]] = {FEW: [], MANY: []}
        for hosts in times:
            worker.ask("requests", queries=1, hosts=hosts, count=2 * hosts)
        for round_number in range(20):
            for hosts, taken in times.items():
                taken += worker.ask("requests", queries=1, hosts=hosts, count=100, start=100 * round_number)
    many = beside_plain()
    return {
        "tenants": MANY,
        "to_plain_with_few_tenants": round(few, 3),
        "to_plain_with_many_tenants": round(many, 3),
        "ratio": round(many / few, 3),
        "ten_in_turn_p50_ms": milliseconds(median(times[FEW])),
        "all_in_turn_p50_ms": milliseconds(median(times[MANY])),
        "all_in_turn_ratio": round(median(times[MANY]) / median(times[FEW]), 3),
    }


def ratios(figures: dict[str, Any]) -> dict[str, Any]:
    """What was promised beside what came of it."""
    create = {way: row["median_s"] for way, row in figures["create"].items() if isinstance(row, dict)}
    clone = min(seconds for way, seconds in create.items() if way.endswith("clone"))
    migrate = min(seconds for way, seconds in create.items() if way.endswith("migrate"))
    ours, cold = create["ours, claimed"], create["ours, from the template"]

    def theirs(part: str) -> float:
        return min(float(seconds) for way, seconds in figures[part].items() if way != "ours")

    def overhead(queries: int) -> str:
        rows = figures["request"][f"{queries} queries"]
        least = min(row["overhead_ms"] for name, row in rows.items() if name not in ("plain", "ours"))
        return f"{rows['ours']['overhead_ms'] / least:.2f} ×"

    return {
        "create, against the faster clone": {
            "measured": f"{clone / ours:.0f} × (made from the template at once: {clone / cold:.1f} ×)",
            "promised": "≥ 8 ×",
        },
        "create, against the faster migrate": {
            "measured": f"{migrate / ours:.0f} × (made from the template at once: {migrate / cold:.1f} ×)",
            "promised": "≥ 20 ×",
        },
        "nothing to migrate": {
            "measured": f"{theirs('nothing_to_do') / figures['nothing_to_do']['ours']:.0f} ×",
            "promised": "≥ 200 ×",
        },
        "one more field": {
            "measured": f"{theirs('one_more_field') / figures['one_more_field']['ours']:.0f} ×",
            "promised": "≥ 50 ×",
        },
        "overhead of a request, 1 query": {"measured": overhead(1), "promised": "≤ 0.7 ×"},
        "overhead of a request, 10 queries": {"measured": overhead(10), "promised": "≤ 0.7 ×"},
        f"request p50, {MANY} tenants there against {FEW}": {
            "measured": f"{figures['many_tenants']['ratio']} × (going round all of them on one connection: "
            f"{figures['many_tenants']['all_in_turn_ratio']} ×)",
            "promised": "≤ 1.1 ×",
        },
        "wrong-tenant reads behind PgBouncer": {
            "measured": {name: row["wrong_tenant"] for name, row in figures["pgbouncer"].items()},
            "promised": "0",
        },
    }
