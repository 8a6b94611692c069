"""The public keys stand at one address, on the platform's host."""

from django.test import Client

from tenants.secrets.signing import sign_document

ADDRESS = "/.well-known/signing-keys.json"


def test_anybody_may_read_the_keys_on_the_platforms_host(platform_host: str) -> None:
    signed = sign_document({"kind": "test"})
    answer = Client(headers={"host": platform_host}).get(ADDRESS)
    assert answer.status_code == 200
    assert signed.key_id in [key["kid"] for key in answer.json()["keys"]]
    assert not any("private" in name or name == "d" for key in answer.json()["keys"] for name in key)


def test_a_companys_host_has_no_keys(host: str) -> None:
    assert Client(headers={"host": host}).get(ADDRESS).status_code == 404
