"""A Secret shows itself to nobody who does not ask."""

import copy
import json
import pickle
from dataclasses import asdict, dataclass

import pytest
import structlog

from tenants.foundation.crypto import Secret

CANARY = "canary-value-1234567890"


@dataclass
class Holder:
    token: Secret


def test_a_secret_prints_as_stars_in_every_way_of_printing() -> None:
    secret = Secret(CANARY)
    printed = [
        repr(secret),
        str(secret),
        f"{secret}",
        f"{secret!r:>10}",
        f"{secret:>10}",
        "%s" % secret,  # noqa: UP031 - this way of printing is tested too
        repr([secret]),
        repr(Holder(secret)),
        str(asdict(Holder(secret))),
        json.dumps({"a": secret}, default=str),
        structlog.processors.JSONRenderer()(None, "info", {"event": "x", "a": secret}),
    ]
    assert all("***" in text for text in printed)
    assert not any(CANARY in str(text) for text in printed)


def test_only_reveal_gives_the_value() -> None:
    assert Secret(CANARY).reveal() == CANARY


def test_a_secret_refuses_json_and_pickle() -> None:
    with pytest.raises(TypeError):
        json.dumps(Secret(CANARY))
    with pytest.raises(TypeError, match="does not leave"):
        pickle.dumps(Secret(CANARY))


def test_a_secret_has_no_dict_to_dump() -> None:
    with pytest.raises(TypeError):
        vars(Secret(CANARY))


def test_copies_stay_secret_and_equal() -> None:
    secret = Secret(CANARY)
    assert copy.deepcopy(secret) == copy.copy(secret) == Secret(CANARY)
    assert secret != Secret("other")
    assert secret != CANARY


def test_an_empty_secret_is_false() -> None:
    assert not Secret("")
    assert Secret("x")
