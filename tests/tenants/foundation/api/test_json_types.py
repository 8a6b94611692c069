"""A value of another JSON type is refused before a field can make something of it."""

from typing import Any

import pytest
from rest_framework import serializers

from tenants.foundation.api import StrictSerializer


class Everything(StrictSerializer):
    text = serializers.CharField(required=False, allow_null=True)
    whole = serializers.IntegerField(required=False)
    number = serializers.DecimalField(max_digits=5, decimal_places=2, required=False)
    flag = serializers.BooleanField(required=False)
    id = serializers.UUIDField(required=False)
    day = serializers.DateField(required=False)
    moment = serializers.DateTimeField(required=False)
    word = serializers.ChoiceField(choices=["a", "b"], required=False)
    texts = serializers.ListField(child=serializers.CharField(), required=False)
    by_name = serializers.DictField(child=serializers.CharField(), required=False)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("text", "x"),
        ("text", None),
        ("whole", 3),
        ("whole", 3.0),
        ("number", 1.5),
        ("number", "1.50"),
        ("flag", False),
        ("id", "019AB2C4-0d00-7000-8000-000000000001"),
        ("day", "2027-01-15"),
        ("moment", "2027-01-15T09:00:00.5+01:00"),
        ("word", "a"),
        ("texts", []),
        ("by_name", {"a": "b"}),
    ],
)
def test_the_right_type_passes(field: str, value: Any) -> None:
    assert Everything(data={field: value}).is_valid()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("text", 5),
        ("text", True),
        ("whole", "3"),
        ("whole", True),
        ("whole", 3.5),
        ("number", True),
        ("number", [1]),
        ("flag", "true"),
        ("flag", 0),
        ("id", 7),
        ("id", "019ab2c40d0070008000000000000001"),
        ("day", 20270115),
        ("day", "20270115"),
        ("day", "2027-W02-5"),
        ("moment", "2027-01-15T09:00:00"),
        ("moment", "2027-01-15"),
        ("word", ["a"]),
        ("texts", "x"),
        ("texts", {"0": "x"}),
        ("by_name", [["a", "b"]]),
    ],
)
def test_another_type_is_refused_at_its_field(field: str, value: Any) -> None:
    body = Everything(data={field: value})
    assert not body.is_valid()
    assert set(body.errors) == {field}


def test_items_are_named_by_their_place() -> None:
    body = Everything(data={"texts": ["x", 5], "by_name": {"a": 5, "b": "x"}})
    assert not body.is_valid()
    assert set(body.errors["texts"]) == {1}
    assert set(body.errors["by_name"]) == {"a"}
