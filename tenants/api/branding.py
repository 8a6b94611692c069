"""`/api/v1/branding/`: the company's brand, drafted, looked at and published by a program."""

from collections.abc import Mapping
from typing import IO, Any, Final

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema, extend_schema_serializer
from rest_framework import serializers
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ViewSet

from tenants.accounts.access import UserActor, require
from tenants.branding import services
from tenants.branding.contrasts import readings
from tenants.branding.drawing import ACCEPTED, MOST_BYTES, drawn_for
from tenants.branding.dressing import image_address
from tenants.branding.models import BrandImage
from tenants.branding.permissions import MANAGE_BRANDING
from tenants.branding.selectors import brand_in_work
from tenants.branding.stages import BrandInWork
from tenants.branding.values import LENGTHS, BrandValues
from tenants.foundation.api import (
    BodyTooLarge,
    IdempotentPosts,
    KnownParameters,
    StrictJSONParser,
    StrictSerializer,
)
from tenants.foundation.errors import InvalidInput, NotFound
from tenants.tenancy import atomic, outside_transaction
from tenants.tenancy.addresses import primary_address

SLOTS: Final = tuple(BrandImage.Slot.values)
SLOT = OpenApiParameter("slot", str, OpenApiParameter.PATH, enum=SLOTS)
SEEN = OpenApiParameter(
    "If-Match", str, OpenApiParameter.HEADER, required=False,
    description="The ETag this change was made against; another one now is refused with 409.",
)  # fmt: skip
EXAMPLE: Final = {
    "name": "Halden Foods", "color": "#ffd400", "headline": "Every kitchen sees what is due.", "words": "",
    "sender_name": "", "reply_to": "", "imprint_url": "https://halden.example/imprint", "privacy_url": "",
    "terms_url": "", "support_url": "",
}  # fmt: skip


class RawImageParser(BaseParser):
    """An image as the body of a request, as it is."""

    media_type = "image/*"

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        """Return the bytes. Raises: BodyTooLarge."""
        body = stream.read(MOST_BYTES + 1)
        if len(body) > MOST_BYTES:
            raise BodyTooLarge
        return body


class ImageSerializer(serializers.Serializer[Any]):
    """An image of the brand."""

    slot = serializers.ChoiceField(choices=SLOTS)
    url = serializers.URLField()
    width = serializers.IntegerField()
    height = serializers.IntegerField()


class BrandStageSerializer(serializers.Serializer[Any]):
    """A brand: published or in work. What is empty falls back to name, colour and the product's words."""

    name = serializers.CharField()
    color = serializers.CharField(help_text="As #rrggbb.")
    headline = serializers.CharField()
    words = serializers.CharField()
    sender_name = serializers.CharField()
    reply_to = serializers.CharField()
    imprint_url = serializers.CharField()
    privacy_url = serializers.CharField()
    terms_url = serializers.CharField()
    support_url = serializers.CharField()
    images = ImageSerializer(many=True)


class ReadingSerializer(serializers.Serializer[Any]):
    """The measured contrast of one pair of colours the newest brand is drawn in."""

    part = serializers.CharField(help_text="button, tint, link or focus.")
    mode = serializers.CharField(help_text="light or dark.")
    foreground = serializers.CharField()
    background = serializers.CharField()
    ratio = serializers.FloatField()
    needed = serializers.FloatField(help_text="What WCAG 2.2 AA asks for.")


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "A draft",
            {
                "version": 3,
                "published": {**EXAMPLE, "color": "#5b5bd6", "images": []},
                "draft": {**EXAMPLE, "images": []},
                "contrast": [
                    {
                        "part": "button", "mode": "light", "foreground": "#14120b", "background": "#ffd400",
                        "ratio": 13.1, "needed": 4.5,
                    }
                ],
            },
            response_only=True,
        )
    ]
)  # fmt: skip
class BrandSerializer(serializers.Serializer[Any]):
    """The brand as it is published, and the draft if there is one."""

    version = serializers.IntegerField(help_text="Counts changes; the ETag holds it.")
    published = BrandStageSerializer()
    draft = BrandStageSerializer(allow_null=True)
    contrast = ReadingSerializer(many=True)


@extend_schema_serializer(
    examples=[OpenApiExample("Another colour", {"color": "#ffd400"}, request_only=True)]
)
class BrandChangeSerializer(StrictSerializer):
    """What to change in the draft; links begin with https://."""

    name = serializers.CharField(max_length=LENGTHS["name"], required=False)
    color = serializers.CharField(max_length=7, required=False)
    headline = serializers.CharField(max_length=LENGTHS["headline"], required=False, allow_blank=True)
    words = serializers.CharField(max_length=LENGTHS["words"], required=False, allow_blank=True)
    sender_name = serializers.CharField(max_length=LENGTHS["sender_name"], required=False, allow_blank=True)
    reply_to = serializers.CharField(max_length=LENGTHS["reply_to"], required=False, allow_blank=True)
    imprint_url = serializers.CharField(max_length=300, required=False, allow_blank=True)
    privacy_url = serializers.CharField(max_length=300, required=False, allow_blank=True)
    terms_url = serializers.CharField(max_length=300, required=False, allow_blank=True)
    support_url = serializers.CharField(max_length=300, required=False, allow_blank=True)


class BrandingViewSet(IdempotentPosts, KnownParameters, ViewSet):
    """The company's brand. Changes go into a draft; publishing shows it to everybody."""

    permission_codes = dict.fromkeys(("retrieve", "partial_update", "publish", "discard"), MANAGE_BRANDING)
    problem_statuses = {"partial_update": (409,), "publish": (409,), "discard": (409,)}

    @extend_schema(responses=BrandSerializer, operation_id="branding_retrieve")
    def retrieve(self, request: Request) -> Response:
        """Show what is published and what is in work."""
        return answered(brand_in_work(actor=request.actor))  # type: ignore[attr-defined]

    @extend_schema(
        request=BrandChangeSerializer, responses=BrandSerializer, parameters=[SEEN],
        operation_id="branding_partial_update",
    )  # fmt: skip
    def partial_update(self, request: Request) -> Response:
        """Change the draft, which begins as what is published."""
        asked = BrandChangeSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        return answered(
            services.change_draft(actor=actor_of(request), texts=asked.validated_data, seen=seen_by(request))
        )

    @extend_schema(
        request=None, responses=BrandSerializer, parameters=[SEEN], operation_id="branding_publish"
    )
    def publish(self, request: Request) -> Response:
        """Show the draft to everybody from now on."""
        return answered(services.publish_draft(actor=actor_of(request), seen=seen_by(request)))

    @extend_schema(responses=BrandSerializer, parameters=[SEEN], operation_id="branding_draft_destroy")
    def discard(self, request: Request) -> Response:
        """Throw the draft away."""
        return answered(services.discard_draft(actor=actor_of(request), seen=seen_by(request)))


@outside_transaction
class BrandImageViewSet(KnownParameters, ViewSet):
    """The images of the draft."""

    permission_codes = dict.fromkeys(("update", "destroy"), MANAGE_BRANDING)
    problem_statuses = {"update": (404, 409), "destroy": (404, 409)}
    parser_classes = [RawImageParser, StrictJSONParser]

    @extend_schema(
        request=dict.fromkeys(ACCEPTED, OpenApiTypes.BINARY), responses=BrandSerializer,
        parameters=[SLOT, SEEN], operation_id="branding_image_update",
    )  # fmt: skip
    def update(self, request: Request, slot: str) -> Response:
        """Draw an image anew and put it into the draft. The body is the file, its type in Content-Type."""
        with atomic():
            require(actor_of(request), MANAGE_BRANDING)
        if slot not in SLOTS:
            raise NotFound("There is no such image in a brand.", code="not_found.brand_image")
        content: object = request.data
        if not isinstance(content, bytes):
            raise InvalidInput("Send the image itself.", code="invalid_input.image_type")
        image = drawn_for(slot, content, declared=str(request.content_type or ""))
        kept = services.set_image(actor=actor_of(request), slot=slot, image=image, seen=seen_by(request))
        return answered(kept)

    @extend_schema(responses=BrandSerializer, parameters=[SLOT, SEEN], operation_id="branding_image_destroy")
    def destroy(self, request: Request, slot: str) -> Response:
        """Take an image out of the draft."""
        return answered(services.remove_image(actor=actor_of(request), slot=slot, seen=seen_by(request)))


def actor_of(request: Request) -> UserActor:
    """Whoever calls."""
    actor: UserActor = request.actor  # type: ignore[attr-defined]
    return actor


def seen_by(request: Request) -> int | None:
    """The version in `If-Match`; None when the caller does not mind. Raises: InvalidInput for no ETag of ours."""
    given = request.headers.get("If-Match", "").strip()
    if given in ("", "*"):
        return None
    version = given.removeprefix("W/").strip('"')
    if not version.isdecimal() or len(version) > 9:
        raise InvalidInput("If-Match has to hold an ETag of this address.", code="invalid_input.if_match")
    return int(version)


def answered(now: BrandInWork) -> Response:
    """The brand as an answer, with its ETag."""
    body = {
        "version": now.version,
        "published": _stage(now.published),
        "draft": _stage(now.draft) if now.draft else None,
        "contrast": [
            {
                "part": each.part, "mode": each.mode, "foreground": each.foreground, "background": each.background,
                "ratio": int(each.ratio * 100) / 100, "needed": each.needed,
            }
            for each in readings(now.newest.color)
        ],
    }  # fmt: skip
    return Response(body, headers={"ETag": f'"{now.version}"'})


def _stage(values: BrandValues) -> dict[str, Any]:
    address = primary_address() if values.images else ""
    images = [
        {
            "slot": slot, "url": f"{address}{image_address(image)}", "width": image.sizes["full"][0],
            "height": image.sizes["full"][1],
        }
        for slot, image in sorted(values.images.items())
    ]  # fmt: skip
    return {**values.texts, "images": images}
