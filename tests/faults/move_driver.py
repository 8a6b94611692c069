"""``python -m tests.faults.move_driver OPERATION STEP POINT``: goes on with a move and kills itself where it is told.

POINT: ``before`` the step, ``after`` it (done, but not noted as done), or a number: when the step takes hold of a
database for the so manieth time.
"""

import os
import signal
import sys
from uuid import UUID

import django


def main(operation_id: str, name: str, point: str) -> None:
    """Never returns, if the step comes."""
    django.setup()
    from tenants.lifecycle.moving import STEPS
    from tenants.lifecycle.operations import Run, Step, register_saga, run_operation

    counts = {"beats": 0}
    plain_beat = Run.beat

    def beat(run: Run) -> None:
        plain_beat(run)
        counts["beats"] += 1
        if run.operation.step == name and point == str(counts["beats"]):
            die()

    def armed(step: Step) -> Step:
        def do(run: Run) -> None:
            if step.name == name and point == "before":
                die()
            counts["beats"] = 0
            step.do(run)
            if step.name == name:
                die()

        return Step(step.name, do, step.undo, is_final=step.is_final, lease_seconds=step.lease_seconds)

    Run.beat = beat  # type: ignore[method-assign,assignment]
    register_saga("move", *(armed(step) for step in STEPS))
    run_operation(UUID(operation_id))


def die() -> None:
    """As a lost machine would."""
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    main(*sys.argv[1:])
