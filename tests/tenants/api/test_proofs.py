"""Evidence and certificates by the operators' API: listed in pages, handed out signed."""

from collections.abc import Mapping
from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from tenants.foundation.signing import SignatureInvalid, SignedDocument, check
from tenants.models import DeletionCertificate, Evidence, SigningKey
from tenants.secrets.signing import sign_document, verify_document
from tenants.tenancy import TenantRef

EVIDENCE, CERTIFICATES = "/api/v1/evidence/", "/api/v1/deletion-certificates/"


def run(
    kind: str = "restore_drill", *, is_passed: bool = True, report: Mapping[str, object] | None = None
) -> Evidence:
    at = timezone.now() - timedelta(hours=1)
    return Evidence.objects.create(
        kind=kind,
        is_passed=is_passed,
        summary=f"A {kind}.",
        report=report or {},
        started_at=at,
        finished_at=at,
    )


@pytest.fixture
def certificate(platform: TenantRef) -> DeletionCertificate:
    signed = sign_document({"kind": "notion-task-sync.deletion-certificate", "company_id": "x"})
    return DeletionCertificate.objects.create(
        tenant_id=uuid4(), document=signed.document, signature=signed.signature,
        signed_with=SigningKey.objects.get(pk=signed.key_id),
    )  # fmt: skip


def test_runs_are_listed_newest_first_and_narrowed(operator_api: APIClient) -> None:
    first, second, third = run("backup"), run(is_passed=False), run("isolation_probe")

    def ids(**query: str) -> list[str]:
        answer = operator_api.get(EVIDENCE, query)
        assert answer.status_code == 200, answer.json()
        return [row["id"] for row in answer.json()["results"]]

    assert ids() == [str(row.pk) for row in (third, second, first)]
    assert ids(sort="started") == [str(row.pk) for row in (first, second, third)]
    assert ids(kind="backup") == [str(first.pk)]
    assert ids(is_passed="false") == [str(second.pk)]
    assert ids(is_passed="true", kind="restore_drill") == []
    page = operator_api.get(EVIDENCE, {"page_size": 2}).json()
    assert [row["id"] for row in operator_api.get(page["next"]).json()["results"]] == [str(first.pk)]


@pytest.mark.parametrize(
    "query",
    ["kind=nothing", "is_passed=maybe", "is_passed=", "colour=red", "cursor=x", "page_size=0", "sort=kind"],
)
def test_a_list_that_cannot_be_is_refused(operator_api: APIClient, query: str) -> None:
    answer = operator_api.get(f"{EVIDENCE}?{query}")
    assert (answer.status_code, answer.json()["errors"][0]["parameter"]) == (422, query.partition("=")[0])


def test_a_report_is_handed_out_signed_and_can_be_verified_offline(operator_api: APIClient) -> None:
    report = {
        "servers": [{"recovery_seconds": 12.25, "rows": 41, "huge": 2**60, "name": "Überlingen"}], "none": None,
    }  # fmt: skip
    row = run(report=report)
    told = operator_api.get(f"{EVIDENCE}{row.pk}/").json()
    signed = SignedDocument.from_json(told)
    verify_document(signed)
    key = SigningKey.objects.get(pk=signed.key_id)
    check(signed, public=bytes(key.public))
    assert signed.document["report"] == {
        "servers": [{"recovery_seconds": "12.25", "rows": 41, "huge": str(2**60), "name": "Überlingen"}], "none": None,
    }  # fmt: skip
    assert (signed.document["check"], signed.document["is_passed"]) == ("restore_drill", True)
    told["document"]["is_passed"] = False
    with pytest.raises(SignatureInvalid):
        verify_document(SignedDocument.from_json(told))


def test_certificates_are_listed_and_handed_out_as_they_were_signed(
    operator_api: APIClient, certificate: DeletionCertificate
) -> None:
    (listed,) = operator_api.get(CERTIFICATES).json()["results"]
    assert listed["company_id"] == str(certificate.tenant_id)
    told = operator_api.get(f"{CERTIFICATES}{listed['company_id']}/").json()
    signed = SignedDocument.from_json(told)
    verify_document(signed)
    assert signed.signature == certificate.signature
    assert signed.key_id == listed["key_id"]


def test_an_onlooker_may_read_both(onlooker_api: APIClient, certificate: DeletionCertificate) -> None:
    row = run()
    for path in (EVIDENCE, f"{EVIDENCE}{row.pk}/", CERTIFICATES, f"{CERTIFICATES}{certificate.tenant_id}/"):
        assert onlooker_api.get(path).status_code == 200


def test_what_is_not_there_is_not_found(operator_api: APIClient) -> None:
    for path in (EVIDENCE, CERTIFICATES):
        assert operator_api.get(f"{path}{uuid4()}/").status_code == 404


def test_a_companys_host_has_neither(api: APIClient) -> None:
    row = run()
    for path in (EVIDENCE, f"{EVIDENCE}{row.pk}/", CERTIFICATES, f"{CERTIFICATES}{uuid4()}/"):
        assert api.get(path).status_code == 404
