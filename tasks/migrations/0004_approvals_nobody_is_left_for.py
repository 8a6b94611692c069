"""When an approver agreed, and since when nobody is left who can answer."""

from django.db import migrations, models


class Migration(migrations.Migration):
    """Two moments, empty until they come."""

    dependencies = [("tasks", "0003_approvals")]

    operations = [
        migrations.AddField(
            model_name="approvalrequest",
            name="nobody_left_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="approvalapprover",
            name="agreed_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
    ]
