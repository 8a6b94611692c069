"""``python -m tests.faults.dying_onboardings CASES``: takes companies in, each in a process that kills itself.

CASES is JSON: ``[[slug, step, moment], …]``. ``before`` and ``after`` are a step's two ends; ``inside`` is the place in
the middle of it that is named below.
"""

import json
import os
import signal
import sys
from typing import Any

import django
from django.db import connections


def main(cases: str) -> None:
    """Fork a process for each case; print how each ended (the number of the signal, negative)."""
    django.setup()
    ended = []
    for slug, step, moment in json.loads(cases):
        connections.close_all()
        child = os.fork()
        if child == 0:
            take_in_and_die(slug, step, moment)
        _, status = os.waitpid(child, 0)
        ended.append(os.waitstatus_to_exitcode(status))
    sys.stdout.write(json.dumps(ended))


def die(*_: object, **__: object) -> Any:
    """End this process as a power cut would."""
    os.kill(os.getpid(), signal.SIGKILL)


def take_in_and_die(slug: str, wanted: str, moment: str) -> None:
    """Take a company in up to the named place."""
    from tenants.accounts import services
    from tenants.lifecycle import onboarding_steps, operations
    from tenants.lifecycle.onboarding import onboard_tenant
    from tenants.tenancy import provisioning
    from tenants.tenancy.directory import Directory
    from tests.companies import OWNER_PASSWORD

    insides = {
        "reserve": (operations.Run, "belongs_to"),
        "data_key": (operations.Run, "note_done"),
        "schema": (provisioning, "record_migrations"),
        "owner": (services, "_bind"),
        "schedules": (onboarding_steps, "schedule_tidying"),
        "self_test": (operations.Run, "remember"),
        "open": (Directory, "forget"),
    }

    def dying(step: operations.Step) -> operations.Step:
        def do(run: operations.Run) -> None:
            if moment == "before":
                die()
            if moment == "inside":
                setattr(*insides[step.name], die)
            step.do(run)
            die()

        return operations.Step(step.name, do, step.undo)

    steps = operations.steps_of("onboard")
    operations.register_saga("onboard", *(dying(step) if step.name == wanted else step for step in steps))
    onboard_tenant(
        slug=slug, name="Mortal Works", owner_email=f"owner@{slug}.example", owner_name="Olga Owner-Example",
        owner_password=OWNER_PASSWORD,
    )  # fmt: skip


if __name__ == "__main__":
    main(*sys.argv[1:])
