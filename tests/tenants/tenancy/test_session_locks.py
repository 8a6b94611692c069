"""A lock of a session is one process's alone, and free at once when its block ends."""

from contextlib import closing

import pytest

from tenants.tenancy.databases import owner_connection
from tenants.tenancy.session_locks import session_lock

CELL = "cell_2_owner"


@pytest.mark.parametrize("shared", [False, True])
def test_it_is_free_the_moment_the_block_ends(databases: None, shared: bool) -> None:
    with closing(owner_connection(CELL)) as next_one:
        for _ in range(50):
            with closing(owner_connection(CELL)) as one, session_lock(one, "turns", shared=shared) as is_held:
                assert is_held
            with session_lock(next_one, "turns") as is_held:
                assert is_held


def test_two_never_hold_it_and_readers_share_it(databases: None) -> None:
    with closing(owner_connection(CELL)) as one, closing(owner_connection(CELL)) as two:
        with session_lock(one, "turns"), session_lock(two, "turns") as is_held:
            assert not is_held
        with session_lock(one, "turns", shared=True), session_lock(two, "turns", shared=True) as is_held:
            assert is_held
        with session_lock(one, "turns", shared=True), session_lock(two, "turns") as is_held:
            assert not is_held


def test_a_connection_that_broke_in_the_block_hides_nothing(databases: None) -> None:
    with (
        closing(owner_connection(CELL)) as one,
        closing(owner_connection(CELL)) as two,
        pytest.raises(ValueError, match="of the block"),
        session_lock(one, "turns"),
    ):
        two.execute("SELECT pg_terminate_backend(%s)", [one.info.backend_pid])
        raise ValueError("of the block")
