"""Keys of our side of single sign-on, with roll-over; what a provider's metadata says now; tests begun by a link."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0008_operator_access")]
    lint_allows = {
        "unique-blocks": "A company has one key so far, made under a lock: there is nothing to read and no duplicate."
    }

    operations = [
        migrations.AddField(
            model_name="identityprovider",
            name="metadata_checked_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="identityprovider",
            name="metadata_found",
            field=models.JSONField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="identityprovider",
            name="metadata_found_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="identityprovider",
            name="metadata_problem",
            field=models.CharField(blank=True, db_default="", default="", max_length=300),
        ),
        migrations.AddField(
            model_name="pendingsignin",
            name="is_by_link",
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AddField(
            model_name="serviceproviderkey",
            name="state",
            field=models.CharField(
                choices=[("next", "Next"), ("current", "Current"), ("previous", "Previous")],
                db_default="current",
                default="current",
                max_length=10,
            ),
        ),
        migrations.AddField(
            model_name="serviceproviderkey",
            name="state_since",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddConstraint(
            model_name="serviceproviderkey",
            constraint=models.UniqueConstraint(fields=("state",), name="one_service_provider_key_per_state"),
        ),
    ]
