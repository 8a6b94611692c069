"""What it costs to keep two sides in step: one mixed trace, four strategies on the same sandbox, the least possible.

Every strategy plays the trace of `trace.py` against a fresh sandbox that enforces Notion's rules and a budget of 180
calls a minute. What was changed there has to be here within 60 seconds, what was changed here has to be there within 5.
B0 reads each page and each event by itself, B1 reads everything every minute, B2 reads only what was edited since the
last minute, and all three write each edit (see `baselines.py`); ours is the real engine with a real company, real
webhooks and real jobs, its clock lent by the trace (`borrowed_time.py`). In the end both sides are compared with what
the trace says, row by row. `bound.py` computes the least calls any strategy could do with, from the trace alone: for
whoever believes every event, and for whoever wants to miss nothing though events may be lost for good (a look at each
table at least every 15 minutes). Ours misses nothing, and is held against the first all the same.

Calls of a chapter are those from the end of the one before to its own end. B2 can find rows that went into the trash
only by listing all ids, which it does once a day, so those ten are late there. Texts of pages are left out: each costs
every strategy the same one call. The import's speed is measured apart, without a budget, the sandbox in a process of
its own; processor time is that of the worker. BENCH_SYNC_ROWS and BENCH_SYNC_SHARE make it all smaller.
"""

from benchmarks.results import save
from benchmarks.sync.baselines import BASELINES
from benchmarks.sync.bound import Least, import_calls, least_calls
from benchmarks.sync.ours import ours
from benchmarks.sync.play import play
from benchmarks.sync.report import IMPORT, OURS, Strand, figures, table
from benchmarks.sync.stage import PROJECTS, stage
from benchmarks.sync.throughput import measure
from benchmarks.sync.trace import Size, build
from tenants.tenancy.preparing import prepare

PEOPLE = 3


def main() -> None:
    prepare()
    size = Size.from_environment()
    chapters = build(size)
    first = import_calls([size.rows, PROJECTS], PEOPLE)
    bound = {IMPORT: Least(first, first), **least_calls(chapters, quiet_tables=1)}
    strands = []
    for made in BASELINES:
        with stage(size) as world:
            baseline = made(world)
            strands.append(Strand(made.name, made.says, play(world, baseline, chapters)))
            baseline.close()
        print(f"{made.name} played", flush=True)
    with stage(size) as world, ours(world) as engine:
        strands.append(Strand(OURS, engine.says, play(world, engine, chapters)))
        print(f"jobs: {dict(engine.time.ran)}; failed: {dict(engine.time.failed)}", flush=True)
    speed = measure(size)
    found = figures(size, chapters, bound, strands, speed)
    save("sync", (__doc__ or "").strip(), found)
    print(table(bound, strands))
    print(f"import: {speed}")
    print(f"targets: {found['targets']}")
