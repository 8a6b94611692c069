"""Directories set up on pages and by programs."""

import re

from django.test import Client
from rest_framework.test import APIClient

from tenants.accounts.access import UserActor
from tenants.accounts.models import RoleBinding, ScimDirectory, User
from tenants.accounts.scim.directories import DirectoryChange, change_directory
from tenants.tenancy.addresses import canonical_host
from tests.people import signed_in_client, token_client
from tests.tenants.accounts.scim.conftest import ScimClient


def test_a_directory_is_set_up_on_its_page(host: str, admin: UserActor, verified_domain: object) -> None:
    browser = signed_in_client(host, admin)
    made = browser.post("/settings/directories/", {"name": "Okta", "default_role": "guest"}, follow=True)
    page = made.content.decode()
    assert f"https://{host}/scim/v2" in page or f"http://{host}" in page
    directory = ScimDirectory.objects.get(name="Okta")
    address = f"/settings/directories/{directory.pk}/"
    shown = browser.post(f"{address}key/", {"days": 30, "overlap_hours": 0, "allowed_networks": ""})
    key = re.search(r"nts_scim_[0-9A-Za-z]{12}_[0-9A-Za-z]{43}_[0-9a-f]{8}", shown.content.decode())
    assert key is not None
    assert key[0] not in browser.get(address).content.decode()
    scim = ScimClient(Client(headers={"host": canonical_host()}), key[0])
    ann = scim.user("ann")
    assert "Okta" in browser.get("/settings/users/").content.decode()
    group = scim.group("Leads", ann["id"])
    seen = browser.post(f"{address}roles/", {"action": "preview", f"group-{group['id']}": "manager"})
    assert "What this would change" in seen.content.decode()
    assert "Ann Made-Up" in seen.content.decode()
    assert not RoleBinding.objects.filter(group=group["id"]).exists()
    browser.post(f"{address}roles/", {"action": "save", f"group-{group['id']}": "manager"})
    assert RoleBinding.objects.get(group=group["id"]).source == "scim"
    rules = {
        "name": "Okta", "is_enabled": "on", "default_role": "guest", "username_domain": "people.example",
        "provider": "", "brake_percent": 0, "brake_least": 0, "brake_hours": 12,
    }  # fmt: skip
    assert browser.post(f"{address}rules/", rules).status_code == 302
    assert browser.post(f"{address}rules/", rules | {"brake_percent": 101}).status_code == 422
    scim.send("DELETE", f"/Users/{ann['id']}")
    page = browser.get(address).content.decode()
    assert "Waiting for your decision" in page
    held = re.search(r'name="held" value="([0-9a-f-]{36})"', page)
    assert held is not None
    browser.post(f"{address}held/", {"held": [held[1]], "decision": "approve"})
    assert not User.objects.get(pk=ann["id"]).is_active
    assert browser.post(f"{address}remove/").status_code == 302
    assert not ScimDirectory.objects.filter(pk=directory.pk).exists()
    assert User.objects.filter(pk=ann["id"]).exists()


def test_the_whole_set_up_by_a_program(host: str, admin: UserActor, verified_domain: object) -> None:
    api: APIClient = token_client(host, admin)
    made = api.post("/api/v1/scim-directories/", {"name": "Entra ID"}).json()
    address = f"/api/v1/scim-directories/{made['id']}/"
    assert made["base_url"].endswith("/scim/v2")
    key = api.post(f"{address}keys/", {"days": 10}).json()
    scim = ScimClient(Client(headers={"host": canonical_host()}), key["token"])
    ann = scim.user("ann")
    group = scim.group("Leads", ann["id"])
    dry = api.put(f"{address}roles/", {"roles": {group["id"]: "manager"}, "dry_run": True}).json()
    assert (dry["changed_people"], dry["is_done"]) == (1, False)
    assert dry["changes"] == [{"user_id": ann["id"], "gets": ["Manager"], "loses": []}]
    done = api.put(f"{address}roles/", {"roles": {group["id"]: "manager"}}).json()
    assert done["is_done"] is True
    assert api.get(f"{address}roles/").json() == [
        {"id": group["id"], "name": "Leads", "size": 1, "role": "manager"}
    ]
    assert api.put(f"{address}roles/", {"roles": {group["id"]: "owner"}}).status_code == 422
    assert api.put(f"{address}roles/", {"roles": {"x": "member"}}).status_code == 422
    changed = api.patch(address, {"brake_least": 0, "brake_percent": 0}).json()
    assert (changed["brake_least"], changed["people_count"], changed["group_count"]) == (0, 1, 1)
    scim.send("DELETE", f"/Users/{ann['id']}")
    (held,) = api.get(f"{address}held/").json()
    assert held["is_deletion"] is True
    decided = api.post(f"{address}held/decide/", {"ids": [held["id"]], "decision": "refuse"}).json()
    assert decided == {"decided": 1}
    assert User.objects.get(pk=ann["id"]).is_active
    assert api.delete(f"{address}keys/{key['id']}/").status_code == 204
    assert scim.get("/Users").status_code == 401
    assert api.delete(address).status_code == 204
    assert api.get(address).status_code == 404


def test_a_directory_of_another_name_only(directory: ScimDirectory, host: str, admin: UserActor) -> None:
    api = token_client(host, admin)
    assert api.post("/api/v1/scim-directories/", {"name": "example DIRECTORY"}).status_code == 409
    assert api.post("/api/v1/scim-directories/", {"name": ""}).status_code == 422
    assert api.post("/api/v1/scim-directories/", {"name": "X", "default_role": "owner"}).status_code == 422
    change_directory(directory=directory, actor=admin, change=DirectoryChange(name="Renamed"))
