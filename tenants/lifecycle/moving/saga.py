"""The saga of a move: which step follows which, and how each is undone."""

from tenants.lifecycle.moving import steps
from tenants.lifecycle.operations import Step, register_saga
from tenants.models import Operation

# While the company may not write, whoever takes over from a process that died does so soon.
SHORT = 15.0
STEPS = (
    Step("check", steps.check),
    Step("prepare", steps.prepare, steps.drop_target),
    Step("capture", steps.capture, steps.stop_capture),
    Step("copy", steps.copy),
    Step("follow", steps.follow),
    Step("quiet", steps.quiet, steps.unquiet),
    Step("fence", steps.giving_way(steps.fence), steps.unfence, lease_seconds=SHORT),
    Step("hand_over", steps.giving_way(steps.hand_over), steps.take_back, lease_seconds=SHORT),
    Step("flip", steps.giving_way(steps.flip), steps.flip_back, lease_seconds=SHORT),
    Step("open", steps.open_up, is_final=True, lease_seconds=SHORT),
    Step("clean", steps.clean),
)
register_saga(Operation.Kind.MOVE, *STEPS)
