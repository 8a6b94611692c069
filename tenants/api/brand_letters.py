"""`/api/v1/branding/letters/`: the letters a company can write in its own words."""

from typing import Any, Final

from django.conf import settings
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema, extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ViewSet

from tenants.accounts.access import UserActor
from tenants.branding.letter_previews import previewed_letter
from tenants.branding.letter_texts import (
    LetterInWords,
    letter_in_words,
    letters_in_words,
    reset_letter_text,
    write_letter_text,
)
from tenants.branding.permissions import MANAGE_BRANDING
from tenants.foundation.api import IdempotentPosts, KnownParameters, StrictSerializer
from tenants.foundation.letters import OwnText
from tenants.foundation.letters.placeholders import MOST_BODY, MOST_SUBJECT
from tenants.tenancy import current_tenant

KIND = OpenApiParameter("kind", str, OpenApiParameter.PATH, description="The letter, such as invitation.")
LANGUAGE = OpenApiParameter(
    "language", str, required=False, enum=[code for code, _ in settings.LANGUAGES],
    description="The company's own when left out.",
)  # fmt: skip
_ONE: Final = {"language"}


class LetterVariableSerializer(serializers.Serializer[Any]):
    """A value the letter can name."""

    name = serializers.CharField()
    meaning = serializers.CharField()
    is_required = serializers.BooleanField()
    is_link = serializers.BooleanField()


class LetterSerializer(serializers.Serializer[Any]):
    """A letter in one language."""

    kind = serializers.CharField()
    language = serializers.CharField()
    title = serializers.CharField()
    description = serializers.CharField()
    subject = serializers.CharField()
    body = serializers.CharField()
    is_own = serializers.BooleanField(help_text="The company wrote it; otherwise it is the product's.")
    changed_by = serializers.CharField()
    variables = LetterVariableSerializer(many=True)


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "An invitation",
            {"subject": "Come in, {{ name }}", "body": "This is the way:\n\n{{ link }}"},
            request_only=True,
        )
    ]
)
class LetterTextSerializer(StrictSerializer):
    """Subject and text, with values named as {{ name }}; an empty line begins a new paragraph."""

    subject = serializers.CharField(max_length=MOST_SUBJECT)
    body = serializers.CharField(max_length=MOST_BODY)


class LetterPreviewSerializer(serializers.Serializer[Any]):
    """The letter as it would be sent, with invented values."""

    sender = serializers.CharField()
    reply_to = serializers.CharField()
    subject = serializers.CharField()
    text = serializers.CharField()
    html = serializers.CharField()


class LetterViewSet(IdempotentPosts, KnownParameters, ViewSet):
    """The company's letters."""

    permission_codes = dict.fromkeys(("list", "retrieve", "update", "destroy", "preview"), MANAGE_BRANDING)
    query_parameters = dict.fromkeys(("list", "retrieve", "update", "destroy", "preview"), _ONE)
    problem_statuses = dict.fromkeys(("retrieve", "update", "destroy", "preview"), (404,))

    @extend_schema(
        responses=LetterSerializer(many=True), parameters=[LANGUAGE], operation_id="branding_letters_list"
    )
    def list(self, request: Request) -> Response:
        """Every letter in one language."""
        found = letters_in_words(actor=_actor(request), language=_language(request))
        return Response([_shown(each) for each in found])

    @extend_schema(
        responses=LetterSerializer, parameters=[KIND, LANGUAGE], operation_id="branding_letters_retrieve"
    )
    def retrieve(self, request: Request, kind: str) -> Response:
        """One letter."""
        return Response(
            _shown(letter_in_words(actor=_actor(request), code=kind, language=_language(request)))
        )

    @extend_schema(
        request=LetterTextSerializer, responses=LetterSerializer, parameters=[KIND, LANGUAGE],
        operation_id="branding_letters_update",
    )  # fmt: skip
    def update(self, request: Request, kind: str) -> Response:
        """Write it in the company's own words; the next letter has them."""
        words = _words(request)
        now = write_letter_text(
            actor=_actor(request),
            code=kind,
            language=_language(request),
            subject=words.subject,
            body=words.body,
        )
        return Response(_shown(now))

    @extend_schema(
        responses=LetterSerializer, parameters=[KIND, LANGUAGE], operation_id="branding_letters_destroy"
    )
    def destroy(self, request: Request, kind: str) -> Response:
        """Take the product's words again; the answer holds them."""
        return Response(
            _shown(reset_letter_text(actor=_actor(request), code=kind, language=_language(request)))
        )

    @extend_schema(
        request=LetterTextSerializer, responses=LetterPreviewSerializer, parameters=[KIND, LANGUAGE],
        operation_id="branding_letters_preview",
    )  # fmt: skip
    def preview(self, request: Request, kind: str) -> Response:
        """Draw a letter in these words and in the draft of the brand, without saving anything."""
        made = previewed_letter(
            actor=_actor(request), code=kind, language=_language(request), own=_words(request)
        )
        return Response(
            {
                "sender": made.sender, "reply_to": made.reply_to, "subject": made.subject, "text": made.text,
                "html": made.html,
            }
        )  # fmt: skip


def _actor(request: Request) -> UserActor:
    actor: UserActor = request.actor  # type: ignore[attr-defined]
    return actor


def _language(request: Request) -> str:
    return request.query_params.get("language") or current_tenant().language


def _words(request: Request) -> OwnText:
    asked = LetterTextSerializer(data=request.data)
    asked.is_valid(raise_exception=True)
    return OwnText(asked.validated_data["subject"], asked.validated_data["body"])


def _shown(letter: LetterInWords) -> dict[str, Any]:
    return {
        "kind": letter.kind.code, "language": letter.language, "title": str(letter.kind.title),
        "description": str(letter.kind.description), "subject": letter.subject, "body": letter.body,
        "is_own": letter.is_own, "changed_by": letter.changed_by,
        "variables": [
            {
                "name": each.name, "meaning": str(each.meaning), "is_required": each.is_required,
                "is_link": each.is_link,
            }
            for each in letter.kind.variables
        ],
    }  # fmt: skip
