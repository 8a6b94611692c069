"""A department of the company."""

from django.db import models
from django.db.models.functions import Lower

from tenants.foundation.ids import uuid7


class Department(models.Model):
    """A department; ``color`` is the number (1–6) of the chart series it keeps everywhere."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    name = models.CharField(max_length=120)
    key = models.CharField(max_length=8)
    color = models.PositiveSmallIntegerField(default=6)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(Lower("name"), name="department_name_once"),
            models.UniqueConstraint(Lower("key"), name="department_key_once"),
        ]

    def __str__(self) -> str:
        return self.name
