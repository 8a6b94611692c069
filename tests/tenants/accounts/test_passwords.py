"""Passwords are hashed as strongly as OWASP asks, and hashes with other numbers are made anew when one signs in."""

import argon2
import pytest
from django.contrib.auth.hashers import Argon2PasswordHasher, check_password, identify_hasher, make_password
from django.utils.module_loading import import_string
from pytest_django import Settings

from config.settings import base
from tenants.accounts.passwords import PasswordHasher

# OWASP's cheat sheet on storing passwords, Argon2id: (KiB of memory, passes), each as good as the others.
LEAST = {(47_104, 1), (19_456, 2), (12_288, 3), (9_216, 4), (7_168, 5)}


@pytest.fixture
def product(settings: Settings) -> None:
    """The hasher of the product; tests have a cheap one."""
    settings.PASSWORD_HASHERS = base.PASSWORD_HASHERS


def test_the_product_hashes_with_more_than_the_least_that_is_asked_for() -> None:
    assert [import_string(path) for path in base.PASSWORD_HASHERS] == [PasswordHasher]
    parameters = PasswordHasher().params()
    assert parameters.type is argon2.Type.ID
    assert any(
        parameters.memory_cost >= memory and parameters.time_cost >= passes for memory, passes in LEAST
    )


def test_a_hash_with_other_numbers_still_counts_and_is_replaced(product: None) -> None:
    old = Argon2PasswordHasher().encode("four unrelated words here", "some-salt-for-it")
    replaced: list[str] = []
    assert check_password("four unrelated words here", old, replaced.append)
    assert replaced == ["four unrelated words here"]
    new = make_password("four unrelated words here")
    assert identify_hasher(new).algorithm == "argon2"
    replaced.clear()
    assert check_password("four unrelated words here", new, replaced.append)
    assert not check_password("four unrelated words there", new, replaced.append)
    assert replaced == []
