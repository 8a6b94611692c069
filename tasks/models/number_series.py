"""The counters tasks are numbered from: one for each prefix, so `OPS-1`, `OPS-2`, … never repeats."""

from django.core.validators import RegexValidator
from django.db import models

NO_PROJECT_PREFIX = "TASK"
PREFIX_PATTERN = r"^[A-Z][A-Z0-9]{1,9}$"
prefix_validator = RegexValidator(
    PREFIX_PATTERN, "Two to ten capital letters or digits, starting with a letter."
)


class NumberSeries(models.Model):
    """The last number given under one prefix; a row is locked while numbers are taken from it."""

    prefix = models.CharField(max_length=10, primary_key=True, validators=[prefix_validator])
    last_number = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(prefix__regex=PREFIX_PATTERN), name="tasks_numberseries_prefix_form"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.prefix}-{self.last_number}"
