"""Keys made from the names of projects."""

import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tasks.importing.keys import derive_key
from tasks.models.number_series import PREFIX_PATTERN


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("Operations", "OPE"),
        ("Grid operations", "GO"),
        ("Winter road salt and grit supply", "WRSA"),
        ("Übergabe Süd", "US"),
        ("2027 budget", "PRJ"),
        ("採用計画", "PRJ"),
        ("", "PRJ"),
        ("Q", "PRJ"),
        ("task and safety key", "TASK2"),
    ],
)
def test_a_key_comes_from_the_name(name: str, key: str) -> None:
    assert derive_key(name, set()) == key


def test_a_key_in_use_gets_a_number() -> None:
    assert derive_key("Grid operations", {"GO", "GO2"}) == "GO3"


# A machine that does much else at once is no fault of the strategy.
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.text(max_size=60), st.sets(st.sampled_from(["PRJ", "PRJ2", "AB", "ABC", "TASK2"])))
def test_a_key_always_has_the_form_and_is_new(name: str, taken: set[str]) -> None:
    key = derive_key(name, taken)
    assert re.fullmatch(PREFIX_PATTERN, key)
    assert key not in taken
    assert key != "TASK"
