"""Every way in which a role comes to somebody is said in words."""

import pytest

from tenants.accounts.access.roles import RoleSource
from tenants.accounts.templatetags.access_words import source_words


@pytest.mark.parametrize("source", list(RoleSource))
def test_every_way_has_words(source: RoleSource) -> None:
    assert " " in source_words(source.value)


def test_a_way_of_a_later_version_is_shown_as_it_is() -> None:
    assert source_words("of_tomorrow") == "of_tomorrow"
