"""A field more, as a release would add one."""

from pathlib import Path

from django.db import migrations, models

import tasks.migrations

NEWEST = sorted(path.stem for path in Path(tasks.migrations.__path__[0]).glob("0*.py"))[-1]


class Migration(migrations.Migration):
    dependencies = [("tasks", NEWEST)]
    operations = [
        migrations.AddField("task", "bench_note", models.CharField(max_length=40, null=True)),
    ]
