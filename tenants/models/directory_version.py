"""The directory's number, which grows with every change of a tenant or a host, and what each change was about."""

from typing import ClassVar

from django.db import models
from django.db.models import Q


class DirectoryVersion(models.Model):
    """A control-plane table of one row. Triggers count it up when a change is committed, whoever made the change."""

    ROW: ClassVar = 1

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    version = models.PositiveBigIntegerField(default=1)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(id=1), name="directory_version_has_one_row")]

    def __str__(self) -> str:
        return str(self.version)


class DirectoryChange(models.Model):
    """One change: with it the directory reached ``version``. The triggers keep the last 10,000 or so."""

    version = models.PositiveBigIntegerField(primary_key=True)
    tenant_id = models.UUIDField()

    def __str__(self) -> str:
        return f"{self.version}: {self.tenant_id}"
