"""`/api/v1/evidence/` and `/api/v1/deletion-certificates/`: what operators hand to auditors."""

from typing import Any, Final
from uuid import UUID

from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiParameter,
    extend_schema,
    extend_schema_serializer,
    extend_schema_view,
)
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from tenants.accounts.api.permissions import ANYBODY
from tenants.api.companies import ID, actor_of
from tenants.foundation.api import PAGE_PARAMETERS, KnownParameters
from tenants.foundation.errors import InvalidInput
from tenants.models import DeletionCertificate, Evidence
from tenants.selectors import (
    BY_TIME,
    CERTIFICATES_BY_TIME,
    certificate_for,
    signed_evidence,
    visible_certificates,
    visible_evidence,
)

COMPANY_ID = OpenApiParameter("id", UUID, OpenApiParameter.PATH, description="The id the company had.")
TRUTHS: Final = {"true": True, "false": False}


class SignatureSerializer(serializers.Serializer[Any]):
    """Who vouches for a document."""

    algorithm = serializers.ChoiceField(choices=["Ed25519"])
    key_id = serializers.CharField(help_text="One of `/.well-known/signing-keys.json`.")
    value = serializers.CharField(help_text="Base64 of 64 bytes.")


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "A proved restore",
            {
                "document": {
                    "kind": "notion-task-sync.evidence",
                    "format": 1,
                    "evidence_id": "019ab2c4-2000-7000-8000-000000000001",
                    "check": "restore_drill",
                    "is_passed": True,
                    "summary": "Restored and compared in 31 s.",
                    "started_at": "2027-01-02T02:10:00+00:00",
                    "finished_at": "2027-01-02T02:10:31+00:00",
                    "report": {"servers": [{"server": "main", "recovery_seconds": "12.4"}], "problems": []},
                },
                "signature": {
                    "algorithm": "Ed25519",
                    "key_id": "019ab2c4-0900-7000-8000-000000000003",
                    "value": "bm90IGEgc2lnbmF0dXJlLCBvbmx5IGFuIGV4YW1wbGU=",
                },
            },
            response_only=True,
        )
    ]
)
class SignedSerializer(serializers.Serializer[Any]):
    """A signed document; save the answer as it is and give it to `manage.py verify_document`."""

    document = serializers.DictField()
    signature = SignatureSerializer()


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "A proved restore",
            {
                "id": "019ab2c4-2000-7000-8000-000000000001",
                "kind": "restore_drill",
                "is_passed": True,
                "summary": "Restored and compared in 31 s.",
                "started_at": "2027-01-02T02:10:00Z",
                "finished_at": "2027-01-02T02:10:31Z",
            },
            response_only=True,
        )
    ]
)
class EvidenceSerializer(serializers.Serializer[Any]):
    """One run of a check."""

    id = serializers.UUIDField()
    kind = serializers.ChoiceField(choices=Evidence.Kind.choices)
    is_passed = serializers.BooleanField()
    summary = serializers.CharField()
    started_at = serializers.DateTimeField()
    finished_at = serializers.DateTimeField()


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "A deleted company",
            {
                "company_id": "019ab2c4-0a00-7000-8000-000000000002",
                "issued_at": "2027-02-01T09:00:12Z",
                "key_id": "019ab2c4-0900-7000-8000-000000000003",
            },
            response_only=True,
        )
    ]
)
class CertificateSerializer(serializers.Serializer[Any]):
    """That there is a certificate; the document is at its own address."""

    company_id = serializers.UUIDField(source="tenant_id")
    issued_at = serializers.DateTimeField()
    key_id = serializers.UUIDField(source="signed_with_id")


@extend_schema_view(
    list=extend_schema(
        parameters=[
            OpenApiParameter("kind", str, enum=Evidence.Kind.values),
            OpenApiParameter("is_passed", bool),
        ]
    ),
    retrieve=extend_schema(parameters=[ID], responses=SignedSerializer),
)
class EvidenceViewSet(KnownParameters, GenericViewSet[Evidence]):
    """What the platform's checks found."""

    queryset = Evidence.objects.none()
    serializer_class = EvidenceSerializer
    lookup_field = "id"
    lookup_value_converter = "uuid"
    keyset_sorts = BY_TIME
    keyset_default_sort = "-started"
    query_parameters = {"list": {*PAGE_PARAMETERS, "kind", "is_passed"}}
    permission_codes = {"list": ANYBODY, "retrieve": ANYBODY}
    problem_statuses = {"list": (404,)}

    def list(self, request: Request) -> Response:
        """List runs of checks a page at a time, the newest first."""
        kind, outcome = (request.query_params.get(name, "") for name in ("kind", "is_passed"))
        found = visible_evidence(actor=actor_of(request), kind=kind, is_passed=TRUTHS.get(outcome))
        for name, value, known in (("kind", kind, Evidence.Kind.values), ("is_passed", outcome, TRUTHS)):
            if value and value not in known:
                msg = f"Choose one of these: {', '.join(known)}."
                raise InvalidInput("There is no such choice.", fields={name: [msg]})
        page = self.paginate_queryset(found)
        return self.get_paginated_response(EvidenceSerializer(page, many=True).data)

    def retrieve(self, request: Request, id: UUID) -> Response:
        """Hand out one run with its whole report, signed."""
        signed = signed_evidence(actor=actor_of(request), evidence_id=id)
        return Response(signed.as_json())


@extend_schema_view(retrieve=extend_schema(parameters=[COMPANY_ID], responses=SignedSerializer))
class CertificateViewSet(KnownParameters, GenericViewSet[DeletionCertificate]):
    """What is left of companies that were deleted."""

    queryset = DeletionCertificate.objects.none()
    serializer_class = CertificateSerializer
    lookup_field = "id"
    lookup_value_converter = "uuid"
    keyset_sorts = CERTIFICATES_BY_TIME
    keyset_default_sort = "-issued"
    query_parameters = {"list": PAGE_PARAMETERS}
    permission_codes = {"list": ANYBODY, "retrieve": ANYBODY}
    problem_statuses = {"list": (404,)}

    def list(self, request: Request) -> Response:
        """List certificates a page at a time, the newest first."""
        page = self.paginate_queryset(visible_certificates(actor=actor_of(request)))
        return self.get_paginated_response(CertificateSerializer(page, many=True).data)

    def retrieve(self, request: Request, id: UUID) -> Response:
        """Hand out the certificate of one company, as it was signed when it was deleted."""
        return Response(certificate_for(actor=actor_of(request), tenant_id=id).as_json())
