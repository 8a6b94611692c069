"""The steps of a move, in their order; until the doors open again each can be undone, and the source is as it was."""

import time
from collections.abc import Callable
from datetime import UTC, datetime

import psycopg
import structlog
from django.db import DatabaseError, transaction

from tenants.dispatch.services import release_postponed
from tenants.foundation.errors import Conflict
from tenants.lifecycle.keeping_alive import kept_alive
from tenants.lifecycle.moving import fencing, work_items
from tenants.lifecycle.moving.capture import begin_capture, end_capture, log_stands
from tenants.lifecycle.moving.comparing import compare_all, compare_changed
from tenants.lifecycle.moving.copies import keep_until
from tenants.lifecycle.moving.copying import Copied, catch_up, copy_everything, copy_sequences, schema_kept
from tenants.lifecycle.moving.places import Move, move_of
from tenants.lifecycle.moving.switching import (
    MOVABLE,
    doors_before,
    live_in,
    note_position,
    open_doors,
    shut_doors,
    wait_until_known,
)
from tenants.lifecycle.moving.tables import hindrances_of
from tenants.lifecycle.moving.target import check_same_migrations, drop_place, make_target
from tenants.lifecycle.operations import OperationLost, Run
from tenants.models import Tenant
from tenants.tenancy.cells import HAS_ROOM, hold_room
from tenants.tenancy.hardening import faults
from tenants.tenancy.migrations import migrate_tenant

log = structlog.get_logger(__name__)
# So few changed rows take no time worth speaking of; more rounds than this mean they come faster than they are copied.
FEW_CHANGES, MOST_ROUNDS = 200, 30
FENCE_TRIES, FENCE_REST_SECONDS = 3, 1.0
# How long a transaction under way is waited for, while nobody may write.
DRAIN_SECONDS = 2.5
# Comparing everything may take this much of the time in which nobody may write; else what changed last is compared.
COMPARE_SECONDS = 1.5
STRAGGLER_SECONDS = 30.0


def check(run: Run) -> None:
    """See that the move can be made at all, and bring the company's schema up to date.

    Raises: Conflict, MigrationFailed.
    """
    move = move_of(run)
    tenant = Tenant.objects.get(pk=move.tenant_id)
    if tenant.cell != move.source or tenant.state not in MOVABLE:
        raise Conflict("The company is not where the move would begin.", code="moves.not_there")
    with transaction.atomic(using="default"):
        if not hold_room(move.target, move=run.operation.pk):
            raise Conflict(f"The cell {move.target} takes no companies in.", code="moves.cell_closed")
        run.remember(**{HAS_ROOM: True})
    migrate_tenant(tenant)
    with move.reading(move.source) as source, move.reading(move.target) as target:
        hindrances = hindrances_of(source, move.schema)
        open_rights = faults(target, f"{move.target}_owner")
    if hindrances:
        raise Conflict(f"This schema cannot be moved: {hindrances[0]}.", code="moves.hindrance")
    if open_rights:
        raise Conflict(
            f"The cell {move.target} is not hardened: {open_rights[0].sentence}.", code="moves.not_hardened"
        )


def prepare(run: Run) -> None:
    """Make the empty place, where nobody may write yet and no job is handed out."""
    move = move_of(run)
    make_target(move)
    check_same_migrations(move)
    run.remember(target_rights=fencing.writes_granted(move, move.target))
    fencing.raise_wall(move, move.target)
    work_items.pause(move, move.target, paused=True)


def drop_target(run: Run) -> None:
    """Undo :func:`prepare`."""
    move = move_of(run)
    drop_place(move, move.target)


def capture(run: Run) -> None:
    """Begin to note what changes."""
    begin_capture(move_of(run))


def stop_capture(run: Run) -> None:
    """Undo :func:`capture`."""
    end_capture(move_of(run))


def copy(run: Run) -> None:
    """Copy everything as it is at one moment, while the company works on."""
    with kept_alive(
        run
    ):  # a commit that looks at the foreign keys of millions of rows says nothing meanwhile
        done = copy_everything(move_of(run))
    run.remember(bytes=done.bytes)
    run.progress(rows=done.rows, tables=done.tables)
    log.info("move.copied", rows=done.rows, bytes=done.bytes)


def follow(run: Run) -> None:
    """Bring over what changed, round by round, until little is left; then compare both places at one moment.

    Raises: Conflict (they differ, or changes come faster than they can be followed).
    """
    move = move_of(run)
    for _ in range(MOST_ROUNDS):
        if _count(run, catch_up(move)).rows <= FEW_CHANGES:
            break
    else:
        raise Conflict(
            "More is changed than can be brought over. Move it at a quieter time.", code="moves.busy"
        )
    began = time.monotonic()
    with kept_alive(run):  # nor does a sum over all rows
        compared = catch_up(move, compare=compare_all)
    run.result(rows=_count(run, compared).compared)
    run.remember(compare_seconds=round(time.monotonic() - began, 3))


def quiet(run: Run) -> None:
    """Hand none of the company's jobs out any more and let those that run come to their end."""
    move = move_of(run)
    if "was_paused" not in run.context:
        run.remember(was_paused=work_items.is_paused(move, move.source))
    work_items.pause(move, move.source, paused=True)
    left = work_items.wait_for_jobs(move, seconds=float(run.input["wait_for_jobs"]))
    run.progress(jobs_begun_anew=left)


def unquiet(run: Run) -> None:
    """Undo :func:`quiet`."""
    move = move_of(run)
    work_items.pause(move, move.source, paused=bool(run.context.get("was_paused")))


def fence(run: Run) -> None:
    """End the company's writing: doors first, then the wall, then wait for what is under way. From here on time counts.

    A transaction that takes long is given way to, a few times. Raises: Conflict.
    """
    move = move_of(run)
    for _ in range(FENCE_TRIES):
        _count(run, catch_up(move))
        _shut(run, move)
        try:
            fencing.wait_for_writers(move, move.source, seconds=DRAIN_SECONDS)
        except fencing.StillWriting as error:
            log.warning("move.waits_for_writers", tenant=move.slug, reason=str(error))
            unfence(run)
            time.sleep(FENCE_REST_SECONDS)
        else:
            return
    raise Conflict("Some change in the company takes too long. Move it at a quieter time.", code="moves.busy")


def give_way(run: Run) -> None:
    """Let the company work on where it is, jobs and all; whoever takes the move up goes on from :func:`quiet`."""
    flip_back(run)
    take_back(run)
    unfence(run)
    unquiet(run)
    run.step_back("quiet", "fence", "hand_over")


def giving_way(do: Callable[[Run], None]) -> Callable[[Run], None]:
    """A step behind the wall: when it fails, for whatever reason, the company need not wait until that has passed."""

    def step(run: Run) -> None:
        try:
            do(run)
        except OperationLost:
            raise
        except Exception as failure:
            try:
                give_way(run)
            except (psycopg.Error, DatabaseError) as error:
                # Its own cell is away: then it stands still with or without a move.
                log.warning("move.cannot_give_way", error=str(error).strip())
                raise failure from error
            raise

    return step


def _shut(run: Run, move: Move) -> None:
    if not run.context.get("before"):
        run.remember(before=doors_before(move), fenced_at=datetime.now(UTC).isoformat())
    shut_doors(move, run.context["before"])
    rights = fencing.writes_granted(move, move.source)
    if rights:  # else the wall stands: somebody was killed behind it
        run.remember(rights=rights)
    fencing.raise_wall(move, move.source)


def unfence(run: Run) -> None:
    """Undo :func:`fence`."""
    move, before = move_of(run), run.context.get("before")
    fencing.take_wall_down(move, move.source, run.context.get("rights", {}))
    if before:
        open_doors(move, before)
        run.remember(before=None, fenced_at=None)


def hand_over(run: Run) -> None:
    """Bring the last changes and the jobs over, and compare. Raises: Conflict when the places differ."""
    move = move_of(run)
    work_items.take_out(move)
    is_quick = run.context["compare_seconds"] <= COMPARE_SECONDS
    compare = compare_all if is_quick else compare_changed
    done = _count(run, catch_up(move, compare=compare, is_shut=True))
    if is_quick:
        run.result(rows=done.compared)
    check_same_migrations(move)
    copy_sequences(move)
    jobs = work_items.put_in(move)
    run.progress(jobs=jobs, last_changes=done.rows)


def take_back(run: Run) -> None:
    """Undo :func:`hand_over`."""
    work_items.put_back(move_of(run))


def flip(run: Run) -> None:
    """Say that the company lives in the target, and give every process the time to know.

    A migration that was begun before the doors were shut may have come in after the places were compared. One that
    comes later finds by the ledger of the new place what it lacks. Raises: Conflict, LockNotAvailable.
    """
    move = move_of(run)
    note_position(move, move.target)
    with schema_kept(move, briefly=True) as source:
        check_same_migrations(move, source)
        live_in(move, move.target)
    wait_until_known()


def flip_back(run: Run) -> None:
    """Undo :func:`flip`: nobody has been able to write in the target."""
    move = move_of(run)
    if Tenant.objects.get(pk=move.tenant_id).cell == move.target:
        live_in(move, move.source)
        wait_until_known()


def open_up(run: Run) -> None:
    """Let the company write again, in its new place. From the first such write on there is no way back."""
    move = move_of(run)
    fencing.take_wall_down(move, move.target, run.context["target_rights"])
    open_doors(move, run.context["before"])
    if "read_only_seconds" not in run.operation.result:
        began = datetime.fromisoformat(run.context["fenced_at"])
        run.result(read_only_seconds=round((datetime.now(UTC) - began).total_seconds(), 3))


def clean(run: Run) -> None:
    """Leave the old place: what was asked for there at the last moment comes along, and nobody gets in any more."""
    move, context = move_of(run), run.context
    if log_stands(move) and not context.get("left"):
        work_items.keep_no_longer(move)
        run.remember(left=True)
    if log_stands(move):
        fencing.close_schema(move, move.source)
        fencing.wait_for_askers(move, move.source, seconds=STRAGGLER_SECONDS)
        work_items.take_out(move)
        work_items.put_in(move, for_good=True)
    work_items.pause(move, move.target, paused=bool(context.get("was_paused")))
    release_postponed(cell=move.target, tenant_id=move.tenant_id)
    end_capture(move)
    work_items.forget(move, move.source)
    days = int(run.input["keep_days"])
    if not days:
        drop_place(move, move.source)
    run.result(bytes=context["bytes"], copy_kept_until=keep_until(days))


def _count(run: Run, done: Copied) -> Copied:
    run.remember(bytes=run.context["bytes"] + done.bytes)
    run.result(tables=done.tables)
    return done
