"""Changes that wait for a second person."""

import django.contrib.postgres.fields
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import tenants.accounts.models.access_policy
import tenants.foundation.ids


class Migration(migrations.Migration):
    dependencies = [("accounts", "0006_sign_in_links")]
    lint_allows = {
        "foreign-key-blocks": "The new column is empty, and invitations are as few as people.",
        "index-blocks": "The same table, as few rows.",
    }
    operations = [
        migrations.AddField(
            model_name="accesspolicy",
            name="two_people_for",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(max_length=40),
                blank=True,
                db_default=["identity_providers"],
                default=tenants.accounts.models.access_policy.two_people_for_at_first,
                size=None,
            ),
        ),
        migrations.AddField(
            model_name="invitation",
            name="custom_role",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to="accounts.customrole",
            ),
        ),
        migrations.CreateModel(
            name="ProposedChange",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=tenants.foundation.ids.uuid7,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("kind", models.CharField(max_length=60)),
                ("target_id", models.UUIDField(blank=True, null=True)),
                ("target_name", models.CharField(blank=True, default="", max_length=200)),
                ("arguments", models.JSONField(default=dict)),
                ("diff", models.JSONField(default=list)),
                ("fingerprint", models.CharField(max_length=64)),
                ("reason", models.CharField(blank=True, default="", max_length=500)),
                ("proposed_at", models.DateTimeField()),
                ("expires_at", models.DateTimeField()),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("open", "Waiting"),
                            ("applied", "Carried out"),
                            ("refused", "Refused"),
                            ("withdrawn", "Withdrawn"),
                            ("expired", "Run out"),
                            ("stale", "Overtaken"),
                        ],
                        default="open",
                        max_length=12,
                    ),
                ),
                ("is_alone", models.BooleanField(default=False)),
                ("decided_at", models.DateTimeField(blank=True, null=True)),
                ("note", models.CharField(blank=True, default="", max_length=500)),
                (
                    "decided_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "proposed_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["-proposed_at", "-id"],
                "indexes": [
                    models.Index(fields=["state", "-proposed_at"], name="proposed_change_state"),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("state", "open")),
                        fields=("kind", "target_id"),
                        name="one_open_change_per_target",
                        nulls_distinct=False,
                    )
                ],
            },
        ),
    ]
