"""Strict serializers refuse what they do not know."""

from typing import Any

import pytest
from rest_framework import serializers

from tenants.foundation.api import StrictSerializer


class Inner(StrictSerializer):
    name = serializers.CharField()


class Outer(StrictSerializer):
    id = serializers.CharField(read_only=True)
    title = serializers.CharField()
    inner = Inner(required=False)
    items = Inner(many=True, required=False)


def errors(data: Any) -> Any:
    serializer = Outer(data=data)
    assert not serializer.is_valid()
    return serializer.errors


def test_known_fields_pass() -> None:
    serializer = Outer(data={"title": "x", "inner": {"name": "y"}})
    assert serializer.is_valid()
    assert serializer.validated_data["inner"] == {"name": "y"}


def test_an_unknown_field_is_named_beside_the_wrong_ones() -> None:
    found = errors({"tilte": "x"})
    assert set(found) == {"tilte", "title"}
    assert found["tilte"][0].code == "unknown_field"


def test_a_field_that_is_only_read_cannot_be_set() -> None:
    assert errors({"title": "x", "id": "1"})["id"][0].code == "read_only_field"


def test_unknown_fields_are_found_inside_too() -> None:
    assert "extra" in errors({"title": "x", "inner": {"name": "y", "extra": 1}})["inner"]
    assert "extra" in errors({"title": "x", "items": [{"name": "y"}, {"name": "z", "extra": 1}]})["items"][1]


@pytest.mark.parametrize("data", [[], "text", 1, None])
def test_something_that_is_no_object_is_an_ordinary_error(data: Any) -> None:
    assert errors(data)


def test_a_flood_of_unknown_fields_is_answered_with_the_first_hundred() -> None:
    assert len(errors({"title": "x"} | {f"field{number}": 1 for number in range(5_000)})) == 100
