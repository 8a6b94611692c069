"""``python -m tests.faults.dying_directories CASE``: what directories ask, in processes that kill themselves or race.

CASE is JSON with ``host`` and ``keys``, and either ``bulk`` (operations, with the ``moment`` and the ``number`` of the
operation at which the process dies) or ``people`` (bodies that a process for each key posts, all starting at once).
"""

import json
import os
import signal
import sys
from collections.abc import Callable
from typing import Any

import django
from django.db import connections


def main(text: str) -> None:
    """Fork a process for each key; print what came of them."""
    django.setup()
    case = json.loads(text)
    gate, opener = os.pipe()
    answers, children = os.pipe(), []
    for key in case["keys"]:
        connections.close_all()
        child = os.fork()
        if child == 0:
            os.close(opener)
            os.read(gate, 1)  # ends for all of them when the gate is closed
            said = deliver(case, key)
            os.write(answers[1], (json.dumps(said) + "\n").encode())
            os._exit(0)
        children.append(child)
    os.close(opener)
    ended = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
    os.close(answers[1])
    with os.fdopen(answers[0]) as lines:
        sys.stdout.write(json.dumps({"ended": ended, "said": [json.loads(line) for line in lines]}))


def die(*_: object, **__: object) -> Any:
    """End this process as a power cut would."""
    os.kill(os.getpid(), signal.SIGKILL)


def deliver(case: dict[str, Any], key: str) -> Any:
    """Send what the case says with a directory's key; return the statuses."""
    from django.test import Client

    from tests.tenants.accounts.scim.conftest import ScimClient

    scim = ScimClient(Client(headers={"host": case["host"]}), key)
    if "people" in case:
        return [int(scim.post("/Users", each).status_code) for each in case["people"]]
    prepare_to_die(case["moment"], case["number"])
    return scim.post("/Bulk", {"Operations": case["bulk"]}).json()


def prepare_to_die(moment: str, number: int) -> None:
    """Have this process die at an operation of a bulk message: `after` it, or `inside` its transaction."""
    from tenants.accounts.api.scim.bulk import Performer
    from tenants.accounts.scim import people

    performed: Callable[..., Any] = Performer._performed
    calls = 0

    def counted(self: Performer, *args: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == number and moment == "inside":
            # The last thing a change of a person does, when everything else of it is written.
            setattr(people, "write", die)  # noqa: B010 - only in this process, which dies of it
        done = performed(self, *args)
        if calls == number:
            die()
        return done

    setattr(Performer, "_performed", counted)  # noqa: B010 - only in this process, which dies of it


if __name__ == "__main__":
    main(*sys.argv[1:])
