"""Names of groups and roles that people make are what they look like."""

import pytest

from tenants.accounts.access import Role, UserActor
from tenants.accounts.access.custom_roles import create_custom_role
from tenants.accounts.access.groups import change_group, create_group
from tenants.accounts.models import CustomRole, Group
from tenants.foundation.errors import Conflict, InvalidInput
from tenants.tenancy import TenantRef
from tests.people import person

UNSEEN = ["Sales\u202egnorts", "Sa\u200bles", "Sales\u2066", "Sa\u0007les", "\u3164"]


@pytest.fixture
def owner(tenant: TenantRef) -> UserActor:
    return person(tenant, Role.OWNER)


@pytest.mark.parametrize("name", UNSEEN)
def test_signs_nobody_sees_are_in_no_name(owner: UserActor, name: str) -> None:
    group = create_group(name="Sales", actor=owner)
    for attempt in (
        lambda: create_group(name=name, actor=owner),
        lambda: change_group(group=group, name=name, actor=owner),
        lambda: create_custom_role(name=name, codes=["tasks.view"], actor=owner),
    ):
        with pytest.raises(InvalidInput, match="cannot be seen"):
            attempt()
    assert list(Group.objects.values_list("name", flat=True)) == ["Sales"]
    assert not CustomRole.objects.exists()


@pytest.mark.parametrize("name", ["Owner", "OWNER", "\u041ewner", "\u00d6wner", "Adm\u0456n"])
def test_a_role_does_not_look_like_a_built_in_one(owner: UserActor, name: str) -> None:
    with pytest.raises(Conflict, match="built-in"):
        create_custom_role(name=name, codes=["tasks.view"], actor=owner)


@pytest.mark.parametrize(
    "name",
    [
        "Vertrieb S\u00fcd",
        "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
        "Team \U0001f469\u200d\U0001f4bb",
    ],
)
def test_names_of_every_script_are_taken(owner: UserActor, name: str) -> None:
    assert create_group(name=name, actor=owner).name == name
    assert create_custom_role(name=name, codes=["tasks.view"], actor=owner).name == name
