"""A job whose workers were killed until it was given up: what it was to send does not wait for the next edit."""

from datetime import timedelta

import pytest
from django.utils import timezone

from integrations.models import Connection, Push
from integrations.services import POLL_JOB, PUSH_JOB
from integrations.sync.push import one_push
from tests.fakes.dispatch import make_due, run_due_work, states_of_work
from tests.fakes.sweeping import sweep_up
from tests.integrations.sync.push.conftest import Desk
from tests.integrations.sync.push.test_broken_off import Killed, killed


def test_what_a_job_that_was_given_up_had_to_send_is_sent_by_the_one_a_look_asks_for(
    desk: Desk, pages: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.edit(desk.task_of(pages[0]), title="Survives")
    desk.tell()
    with monkeypatch.context() as patch:
        patch.setattr(one_push._Sending, "_call", killed)
        for _ in range(4):
            desk.hurry()
            Push.objects.update(state=Push.State.WAITING)
            with pytest.raises(Killed):
                run_due_work(desk.tenant, kind=PUSH_JOB)
            Connection.objects.update(lease_token=None, lease_expires_at=None)
            sweep_up(desk.tenant)
    assert states_of_work(desk.tenant, PUSH_JOB)[-1] == "dead"
    Push.objects.update(not_before=timezone.now() + timedelta(seconds=15))

    make_due(desk.tenant, kind=POLL_JOB)
    run_due_work(desk.tenant, kind=POLL_JOB)
    assert states_of_work(desk.tenant, PUSH_JOB)[-1] == "ready"
    for _ in range(2):  # it is looked up, found missing there, and sent after a pause
        desk.hurry()
        run_due_work(desk.tenant, kind=PUSH_JOB)

    assert desk.title(pages[0]) == "Survives"
    assert not Push.objects.exists()
