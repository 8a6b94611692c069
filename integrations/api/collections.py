"""`/api/v1/collections/`: the databases of connected workspaces and how they are read."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema, extend_schema_serializer, extend_schema_view
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from integrations.api import examples
from integrations.api.fields import ID, ConnectionReferenceSerializer, actor_of
from integrations.models import FieldMapping, SyncedCollection
from integrations.selectors import collection_for
from integrations.sync.preview import preview_mapping
from integrations.sync.services import MappingChoice, confirm_mapping, switch_off_collection
from integrations.sync.vocabulary import OurField
from tenants.foundation.api import IdempotentPosts, KnownParameters, StrictSerializer
from tenants.foundation.errors import InvalidInput
from tenants.tenancy import atomic, outside_transaction

OUR_FIELDS = [(field.value, field.value.replace("_", " ")) for field in OurField]


class OptionSerializer(serializers.Serializer[Any]):
    """What one remote option becomes."""

    id = serializers.CharField()
    name = serializers.CharField()
    value = serializers.CharField(help_text="A status of ours, or a priority from 0 (none) to 4 (urgent).")
    reason = serializers.CharField()
    is_certain = serializers.BooleanField(help_text="False when it is a default, not a finding.")


class FieldMappingSerializer(serializers.Serializer[Any]):
    """One of our fields and the column it is filled from."""

    our_field = serializers.ChoiceField(choices=OUR_FIELDS)
    remote_field_id = serializers.CharField()
    remote_field_name = serializers.CharField()
    remote_kind = serializers.CharField()
    options = OptionSerializer(many=True)
    direction = serializers.ChoiceField(choices=FieldMapping.Direction.choices)
    policy = serializers.ChoiceField(choices=FieldMapping.Policy.choices)
    state = serializers.ChoiceField(choices=FieldMapping.State.choices)
    reason = serializers.CharField()
    score = serializers.FloatField(help_text="From 0 to 1.")


class ColumnSerializer(serializers.Serializer[Any]):
    """A column of the database, as last seen."""

    id = serializers.CharField()
    name = serializers.CharField()
    kind = serializers.CharField()


class CollectionSerializer(serializers.Serializer[Any]):
    """A database of a connected workspace."""

    id = serializers.UUIDField()
    connection = ConnectionReferenceSerializer()
    remote_id = serializers.CharField()
    title = serializers.CharField()
    url = serializers.CharField()
    role = serializers.ChoiceField(choices=SyncedCollection.Role.choices)
    role_reason = serializers.CharField()
    is_enabled = serializers.BooleanField()
    department_name = serializers.CharField()
    state = serializers.ChoiceField(choices=SyncedCollection.State.choices)
    state_reason = serializers.CharField()
    mapping_state = serializers.ChoiceField(choices=SyncedCollection.MappingState.choices)
    takes_new_tasks = serializers.BooleanField(help_text="New tasks get a record here.")
    trashes_records = serializers.BooleanField(
        help_text="Archiving a task puts its record into the trash there."
    )
    row_count = serializers.IntegerField(allow_null=True)
    last_read_at = serializers.DateTimeField(allow_null=True)
    last_complete_at = serializers.DateTimeField(allow_null=True)
    columns = ColumnSerializer(many=True, source="schema")
    mappings = FieldMappingSerializer(many=True)


class ChoiceSerializer(StrictSerializer):
    """Which column fills one of our fields."""

    our_field = serializers.ChoiceField(choices=OUR_FIELDS)
    remote_field_id = serializers.CharField(max_length=200)
    options = serializers.DictField(
        child=serializers.CharField(max_length=20),
        required=False,
        help_text="Our value by option id, where it differs from what is proposed.",
    )

    direction = serializers.ChoiceField(
        choices=FieldMapping.Direction.choices,
        required=False,
        help_text="Which way its values go; left out, as before.",
    )
    policy = serializers.ChoiceField(
        choices=FieldMapping.Policy.choices,
        required=False,
        help_text="Who wins when both sides changed it; left out, as before.",
    )

    def to_choice(self, value: dict[str, Any]) -> MappingChoice:
        """The choice as a value."""
        return MappingChoice(
            value["our_field"],
            value["remote_field_id"],
            value.get("options") or {},
            value.get("direction", ""),
            value.get("policy", ""),
        )


@extend_schema_serializer(examples=[examples.MAPPING])
class MappingSerializer(StrictSerializer):
    """How a database is to be read."""

    role = serializers.ChoiceField(choices=["tasks", "projects"], default="tasks")
    department_name = serializers.CharField(max_length=200, required=False, allow_blank=True, default="")
    takes_new_tasks = serializers.BooleanField(
        required=False,
        help_text="New tasks of its department (of none: those no other database takes) get a record here.",
    )
    trashes_records = serializers.BooleanField(
        required=False, help_text="Archiving a task puts its record into the trash there."
    )
    choices: serializers.ListSerializer[Any] = serializers.ListSerializer(
        child=ChoiceSerializer(), max_length=len(OUR_FIELDS)
    )

    def chosen(self) -> list[MappingChoice]:
        """The choices as values."""
        child = ChoiceSerializer()
        return [child.to_choice(item) for item in self.validated_data["choices"]]


@extend_schema_serializer(examples=[examples.PREVIEW])
class PreviewRequestSerializer(StrictSerializer):
    """A mapping to be tried; left out, the present one is shown."""

    choices: serializers.ListSerializer[Any] = serializers.ListSerializer(
        child=ChoiceSerializer(), max_length=len(OUR_FIELDS), required=False
    )
    limit = serializers.IntegerField(min_value=1, max_value=25, default=10)


class PreviewValueSerializer(serializers.Serializer[Any]):
    """One of our fields as it would be filled."""

    our_field = serializers.CharField()
    value = serializers.CharField()


class PreviewRowSerializer(serializers.Serializer[Any]):
    """One row and the task it would become."""

    remote_id = serializers.CharField()
    url = serializers.CharField()
    title = serializers.CharField()
    values = PreviewValueSerializer(many=True)
    notes = serializers.ListField(child=serializers.CharField())


class PreviewSerializer(serializers.Serializer[Any]):
    """What a mapping makes of the first rows."""

    results = PreviewRowSerializer(many=True)


@extend_schema_view(
    retrieve=extend_schema(parameters=[ID], responses=CollectionSerializer),
    destroy=extend_schema(parameters=[ID], responses={204: None}),
)
class CollectionViewSet(KnownParameters, IdempotentPosts, GenericViewSet[SyncedCollection]):
    """The databases of connected workspaces."""

    queryset = SyncedCollection.objects.none()
    serializer_class = CollectionSerializer
    lookup_field = "id"
    lookup_value_converter = "uuid"
    permission_codes = {
        "retrieve": "integrations.view",
        "destroy": "integrations.map",
        "mapping": "integrations.map",
        "preview": "integrations.view",
    }

    def retrieve(self, request: Request, id: UUID) -> Response:
        """Show one database with its columns and its mapping."""
        collection = collection_for(actor=actor_of(request), collection_id=id)
        return Response(CollectionSerializer(collection).data)

    def destroy(self, request: Request, id: UUID) -> Response:
        """Stop reading a database; its tasks stay."""
        collection = collection_for(actor=actor_of(request), collection_id=id)
        switch_off_collection(collection=collection, actor=actor_of(request))
        return Response(status=204)

    @extend_schema(parameters=[ID], request=MappingSerializer, responses=CollectionSerializer)
    @action(detail=True, methods=["put"])
    def mapping(self, request: Request, id: UUID) -> Response:
        """Decide how a database is read, switch it on and start its import."""
        collection = collection_for(actor=actor_of(request), collection_id=id)
        body = MappingSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        choices = body.chosen()
        with _pointing_at(choices):
            confirm_mapping(
                collection=collection,
                choices=choices,
                actor=actor_of(request),
                role=body.validated_data["role"],
                department_name=body.validated_data["department_name"],
                takes_new_tasks=body.validated_data.get("takes_new_tasks"),
                trashes_records=body.validated_data.get("trashes_records"),
            )
        collection = collection_for(actor=actor_of(request), collection_id=id)
        return Response(CollectionSerializer(collection).data)

    @extend_schema(parameters=[ID], request=PreviewRequestSerializer, responses=PreviewSerializer)
    @action(detail=True, methods=["post"], pagination_class=None)
    @outside_transaction
    def preview(self, request: Request, id: UUID) -> Response:
        """Show what a mapping makes of the first rows, read now; nothing is written."""
        body = PreviewRequestSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        with atomic():
            collection = collection_for(actor=actor_of(request), collection_id=id)
        given = body.validated_data.get("choices")
        choices = None if given is None else [ChoiceSerializer().to_choice(item) for item in given]
        with _pointing_at(choices or []):
            rows = preview_mapping(
                collection=collection,
                actor=actor_of(request),
                choices=choices,
                limit=body.validated_data["limit"],
            )
        return Response({"results": PreviewRowSerializer(rows, many=True).data})


@contextmanager
def _pointing_at(choices: Sequence[MappingChoice]) -> Iterator[None]:
    """Say where in the body a choice stands that the services refuse by the name of our field."""
    try:
        yield
    except InvalidInput as error:
        places = {choice.our_field: index for index, choice in enumerate(choices)}
        problems: dict[str, Any] = {}
        for name, lines in error.fields.items():
            sentences = [f"{error.message} {line}" for line in lines]
            if name in places:
                problems.setdefault("choices", {})[places[name]] = {"remote_field_id": sentences}
            elif name in dict(OUR_FIELDS):
                problems.setdefault("choices", {})["non_field_errors"] = sentences
            else:
                problems[name] = sentences
        if not problems:
            raise
        raise serializers.ValidationError(problems) from error
