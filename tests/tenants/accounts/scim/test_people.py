"""People as a directory tells them."""

from tenants.accounts.models import User
from tests.tenants.accounts.scim.conftest import ScimClient, user_body


def test_a_person_is_made_and_found(scim: ScimClient) -> None:
    made = scim.user("nia", externalId="42")
    assert made["userName"] == "nia@people.example"
    assert made["meta"]["location"].endswith(f"/scim/v2/Users/{made['id']}")
    user = User.objects.get(email="nia@people.example")
    assert str(user.pk) == made["id"]
    assert user.name == "Nia Made-Up"
    found = scim.get('/Users?filter=userName eq "NIA@people.example"').json()
    assert [each["id"] for each in found["Resources"]] == [made["id"]]
    assert scim.get(f"/Users/{made['id']}").json() == made
    assert scim.post("/Users", user_body("nia")).json()["scimType"] == "uniqueness"
