"""When a directory's key was last warned of."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0010_ended_by_the_provider")]

    operations = [
        migrations.AddField(
            model_name="scimtoken",
            name="warned_days",
            field=models.PositiveSmallIntegerField(blank=True, null=True),
        ),
    ]
