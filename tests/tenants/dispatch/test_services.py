"""Dead letters: seen, run again, put away; from the shell as well."""

import io
import json
from uuid import UUID, uuid4

import pytest
from django.core.management import CommandError, call_command

from tenants.dispatch import Work, enqueue
from tenants.dispatch.running import Outcome
from tenants.dispatch.selectors import dead_letters, queue_depth
from tenants.dispatch.services import discard_dead_letter, retry_dead_letter
from tenants.foundation.errors import Conflict, NotFound
from tenants.tenancy import TenantRef, atomic
from tests.fakes.dispatch import run_due_work, states_of_work
from tests.tenants.dispatch.conftest import Register


@pytest.fixture
def dead(tenant: TenantRef, job: Register) -> UUID:
    """A job that failed once too often; its cause is mended by now."""
    is_broken = [True]

    def fail_once(work: Work) -> None:
        if is_broken.pop() if is_broken else False:
            raise OSError("out of paper")

    job("test.print", max_attempts=1)(fail_once)
    with atomic():
        enqueue("test.print", slot="printer")
    run_due_work(tenant, kind="test.print")
    (letter,) = dead_letters(tenant.cell, tenant_id=tenant.id)
    return letter.pk


def test_a_dead_letter_is_run_again_from_its_first_attempt(tenant: TenantRef, dead: UUID) -> None:
    retry_dead_letter(cell=tenant.cell, item_id=dead)

    assert run_due_work(tenant, kind="test.print") == {"test.print": [Outcome.DONE]}
    assert dead_letters(tenant.cell, tenant_id=tenant.id) == []


def test_a_dead_letter_whose_slot_is_taken_again_is_not_run_beside_it(tenant: TenantRef, dead: UUID) -> None:
    with atomic():
        enqueue("test.print", slot="printer")

    with pytest.raises(Conflict):
        retry_dead_letter(cell=tenant.cell, item_id=dead)

    assert states_of_work(tenant, "test.print") == ["dead", "ready"]


def test_a_dead_letter_can_be_put_away(tenant: TenantRef, dead: UUID) -> None:
    discard_dead_letter(cell=tenant.cell, item_id=dead)

    assert states_of_work(tenant, "test.print") == []


def test_only_dead_rows_are_dead_letters(tenant: TenantRef) -> None:
    with atomic():
        enqueue("test.alive")

    for act in (retry_dead_letter, discard_dead_letter):
        with pytest.raises(NotFound):
            act(cell=tenant.cell, item_id=uuid4())
    assert states_of_work(tenant, "test.alive") == ["ready"]


def test_the_depth_of_the_queue_counts_each_state(tenant: TenantRef, dead: UUID) -> None:
    before = queue_depth(tenant.cell)
    with atomic():
        enqueue("test.waiting")

    after = queue_depth(tenant.cell)

    assert (after.runnable - before.runnable, after.running, after.dead) == (1, before.running, before.dead)
    assert after.dead >= 1
    assert 0 <= after.oldest_age_seconds < 3600


def shell(*arguments: str) -> str:
    out = io.StringIO()
    call_command("dead_letters", *arguments, stdout=out)
    return out.getvalue()


def test_the_shell_lists_dead_letters_with_their_reason(tenant: TenantRef, dead: UUID) -> None:
    (line,) = shell("--tenant", tenant.slug, "--json").splitlines()

    letter = json.loads(line)
    assert letter["id"] == str(dead)
    assert (letter["tenant"], letter["kind"]) == (tenant.slug, "test.print")
    assert letter["error"] == "OSError: out of paper"
    assert str(dead) in shell("--tenant", tenant.slug)


def test_the_shell_runs_a_dead_letter_again_or_puts_it_away(tenant: TenantRef, dead: UUID) -> None:
    assert "1 to be run again" in shell("--retry", str(dead))
    assert states_of_work(tenant, "test.print") == ["ready"]
    assert "Nothing was given up" in shell("--tenant", tenant.slug)


def test_the_shell_puts_every_letter_of_a_company_away(tenant: TenantRef, dead: UUID) -> None:
    assert "1 removed" in shell("--tenant", tenant.slug, "--discard", "all")
    assert states_of_work(tenant, "test.print") == []


def test_the_shell_says_what_it_does_not_find(tenant: TenantRef) -> None:
    with pytest.raises(CommandError, match="no dead letter"):
        shell("--retry", str(uuid4()))
    with pytest.raises(CommandError, match="no company"):
        shell("--tenant", "nobody")
