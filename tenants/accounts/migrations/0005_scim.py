"""Directories that keep people and groups in step (SCIM)."""

import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.text
from django.conf import settings
from django.db import migrations, models

import tenants.foundation.ids


class Migration(migrations.Migration):
    dependencies = [("accounts", "0004_identity_providers")]

    operations = [
        migrations.CreateModel(
            name="ScimDirectory",
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
                ("name", models.CharField(max_length=80)),
                ("is_enabled", models.BooleanField(default=True)),
                ("default_role", models.CharField(blank=True, default="", max_length=20)),
                ("username_domain", models.CharField(blank=True, default="", max_length=253)),
                ("brake_percent", models.PositiveSmallIntegerField(default=20)),
                ("brake_least", models.PositiveSmallIntegerField(default=5)),
                ("brake_hours", models.PositiveSmallIntegerField(default=24)),
                ("requests_per_minute", models.PositiveIntegerField(default=3000)),
                ("last_seen_at", models.DateTimeField(blank=True, null=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                (
                    "created_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "provider",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="accounts.identityprovider",
                    ),
                ),
            ],
            options={
                "ordering": ["name", "id"],
            },
        ),
        migrations.CreateModel(
            name="ScimDeprovisioning",
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
                ("is_deletion", models.BooleanField(default=False)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("done", "Done"),
                            ("held", "Held"),
                            ("approved", "Approved"),
                            ("refused", "Refused"),
                        ],
                        max_length=10,
                    ),
                ),
                ("asked_at", models.DateTimeField(auto_now_add=True)),
                ("decided_at", models.DateTimeField(blank=True, null=True)),
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
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "directory",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="deprovisionings",
                        to="accounts.scimdirectory",
                    ),
                ),
            ],
            options={
                "ordering": ["-asked_at", "-id"],
            },
        ),
        migrations.CreateModel(
            name="ScimGroup",
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
                ("external_id", models.CharField(blank=True, default="", max_length=256)),
                ("version", models.PositiveIntegerField(default=1)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                (
                    "directory",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="groups",
                        to="accounts.scimdirectory",
                    ),
                ),
                (
                    "group",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE, related_name="scim", to="accounts.group"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="ScimPerson",
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
                ("user_name", models.CharField(max_length=254)),
                ("user_name_key", models.CharField(max_length=254)),
                ("external_id", models.CharField(blank=True, default="", max_length=256)),
                ("is_active", models.BooleanField(default=True)),
                ("attributes", models.JSONField(blank=True, default=dict)),
                ("version", models.PositiveIntegerField(default=1)),
                ("deleted_at", models.DateTimeField(blank=True, null=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                (
                    "directory",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="people",
                        to="accounts.scimdirectory",
                    ),
                ),
                (
                    "user",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="scim",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="ScimEmail",
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
                ("position", models.PositiveSmallIntegerField(default=0)),
                ("value", models.CharField(db_index=True, max_length=254)),
                ("type", models.CharField(blank=True, default="", max_length=40)),
                ("display", models.CharField(blank=True, default="", max_length=256)),
                ("is_primary", models.BooleanField(null=True)),
                (
                    "person",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="emails",
                        to="accounts.scimperson",
                    ),
                ),
            ],
            options={
                "ordering": ["position"],
            },
        ),
        migrations.CreateModel(
            name="ScimToken",
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
                ("public_id", models.CharField(max_length=12, unique=True)),
                ("secret_hash", models.BinaryField(max_length=32)),
                (
                    "allowed_networks",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=50), blank=True, default=list
                    ),
                ),
                ("expires_at", models.DateTimeField()),
                ("last_used_at", models.DateTimeField(blank=True, null=True)),
                ("revoked_at", models.DateTimeField(blank=True, null=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "created_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "directory",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="tokens",
                        to="accounts.scimdirectory",
                    ),
                ),
            ],
            options={
                "ordering": ["-created_at", "-id"],
            },
        ),
        migrations.AddConstraint(
            model_name="scimdirectory",
            constraint=models.UniqueConstraint(
                django.db.models.functions.text.Lower("name"), name="scim_directory_name_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="scimdirectory",
            constraint=models.CheckConstraint(
                condition=models.Q(("brake_percent__lte", 100), ("brake_hours__gte", 1)),
                name="scim_brake_is_possible",
            ),
        ),
        migrations.AddIndex(
            model_name="scimdeprovisioning",
            index=models.Index(fields=["directory", "state", "asked_at"], name="scim_brake_window"),
        ),
        migrations.AddConstraint(
            model_name="scimdeprovisioning",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state", "held")), fields=("user",), name="scim_held_once"
            ),
        ),
        migrations.AddIndex(
            model_name="scimgroup",
            index=models.Index(fields=["directory", "group"], name="scim_group_page"),
        ),
        migrations.AddConstraint(
            model_name="scimgroup",
            constraint=models.UniqueConstraint(
                condition=models.Q(("external_id", ""), _negated=True),
                fields=("directory", "external_id"),
                name="scim_group_external_once",
            ),
        ),
        migrations.AddIndex(
            model_name="scimperson",
            index=models.Index(
                condition=models.Q(("deleted_at", None)),
                fields=["directory", "user"],
                name="scim_person_page",
            ),
        ),
        migrations.AddConstraint(
            model_name="scimperson",
            constraint=models.UniqueConstraint(
                condition=models.Q(("deleted_at", None)),
                fields=("user_name_key",),
                name="scim_user_name_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="scimperson",
            constraint=models.UniqueConstraint(
                condition=models.Q(("deleted_at", None), models.Q(("external_id", ""), _negated=True)),
                fields=("directory", "external_id"),
                name="scim_person_external_once",
            ),
        ),
    ]
