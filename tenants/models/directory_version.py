"""One number that grows with every change of the directory: a process asks for it to know whether its memory is old."""

from typing import ClassVar

from django.db import models
from django.db.models import Q


class DirectoryVersion(models.Model):
    """A control-plane table of one row."""

    ROW: ClassVar = 1

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    version = models.PositiveBigIntegerField(default=1)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(id=1), name="directory_version_has_one_row")]

    def __str__(self) -> str:
        return str(self.version)
