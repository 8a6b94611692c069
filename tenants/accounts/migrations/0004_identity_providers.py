"""Identity providers, the domains that are theirs, and what they told."""

import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.text
from django.conf import settings
from django.db import migrations, models

import tenants.foundation.ids


class Migration(migrations.Migration):
    dependencies = [("accounts", "0003_sessions_and_mfa")]

    operations = [
        migrations.CreateModel(
            name="BreakGlassOwner",
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
                ("created_at", models.DateTimeField(auto_now_add=True)),
            ],
        ),
        migrations.CreateModel(
            name="EmailDomain",
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
                ("domain", models.CharField(max_length=253, unique=True)),
                ("nonce", models.CharField(max_length=43)),
                (
                    "state",
                    models.CharField(
                        choices=[("pending", "Pending"), ("verified", "Verified"), ("lost", "Lost")],
                        default="pending",
                        max_length=10,
                    ),
                ),
                ("problem", models.CharField(blank=True, default="", max_length=300)),
                ("verified_at", models.DateTimeField(blank=True, null=True)),
                ("checked_at", models.DateTimeField(blank=True, null=True)),
                ("missing_since", models.DateTimeField(blank=True, null=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
            ],
            options={
                "ordering": ["domain"],
            },
        ),
        migrations.CreateModel(
            name="ExternalIdentity",
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
                ("subject", models.CharField(max_length=512)),
                ("email", models.CharField(blank=True, default="", max_length=254)),
                ("groups", models.JSONField(blank=True, default=list)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("last_sign_in_at", models.DateTimeField(blank=True, null=True)),
            ],
        ),
        migrations.CreateModel(
            name="GroupRule",
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
                ("group_name", models.CharField(max_length=255)),
                ("role", models.CharField(max_length=20)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
            ],
            options={
                "ordering": ["group_name"],
            },
        ),
        migrations.CreateModel(
            name="IdentityProvider",
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
                (
                    "kind",
                    models.CharField(
                        choices=[("saml", "SAML 2.0"), ("oidc", "OpenID Connect"), ("github", "GitHub")],
                        max_length=10,
                    ),
                ),
                (
                    "preset",
                    models.CharField(
                        choices=[
                            ("saml", "SAML 2.0"),
                            ("oidc", "OpenID Connect"),
                            ("google", "Google"),
                            ("microsoft", "Microsoft"),
                            ("github", "GitHub"),
                        ],
                        max_length=12,
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("draft", "Draft"),
                            ("test", "Test"),
                            ("active", "Active"),
                            ("enforced", "Enforced"),
                        ],
                        default="draft",
                        max_length=10,
                    ),
                ),
                ("issuer", models.CharField(blank=True, default="", max_length=500)),
                ("sso_url", models.CharField(blank=True, default="", max_length=1000)),
                ("slo_url", models.CharField(blank=True, default="", max_length=1000)),
                (
                    "certificates",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.TextField(), blank=True, default=list, size=2
                    ),
                ),
                ("metadata_url", models.CharField(blank=True, default="", max_length=1000)),
                ("metadata_read_at", models.DateTimeField(blank=True, null=True)),
                ("allows_idp_initiated", models.BooleanField(default=False)),
                ("client_id", models.CharField(blank=True, default="", max_length=255)),
                ("client_secret_id", models.UUIDField(blank=True, null=True)),
                ("organisation", models.CharField(blank=True, default="", max_length=120)),
                ("email_attribute", models.CharField(blank=True, default="", max_length=200)),
                ("name_attribute", models.CharField(blank=True, default="", max_length=200)),
                ("groups_attribute", models.CharField(blank=True, default="", max_length=200)),
                ("provisions_users", models.BooleanField(default=True)),
                ("default_role", models.CharField(default="member", max_length=20)),
                ("revision", models.PositiveIntegerField(default=1)),
                ("tested_revision", models.PositiveIntegerField(default=0)),
                ("tested_at", models.DateTimeField(blank=True, null=True)),
                ("test_grade", models.CharField(blank=True, default="", max_length=2)),
                ("test_findings", models.JSONField(blank=True, default=list)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
            ],
            options={
                "ordering": ["name", "id"],
            },
        ),
        migrations.CreateModel(
            name="PendingSignIn",
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
                ("state_hash", models.BinaryField(max_length=32, unique=True)),
                ("browser_hash", models.BinaryField(max_length=32)),
                ("request_id", models.CharField(blank=True, default="", max_length=80)),
                ("next_path", models.CharField(blank=True, default="", max_length=500)),
                ("is_test", models.BooleanField(default=False)),
                ("is_unsolicited", models.BooleanField(default=False)),
                ("revision", models.PositiveIntegerField(default=1)),
                ("claims", models.JSONField(blank=True, null=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("expires_at", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="ServiceProviderKey",
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
                ("certificate", models.TextField()),
                ("private_key_id", models.UUIDField()),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("expires_at", models.DateTimeField()),
            ],
            options={
                "ordering": ["-created_at"],
            },
        ),
        migrations.CreateModel(
            name="SsoLogEntry",
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
                ("provider_name", models.CharField(blank=True, default="", max_length=80)),
                ("event", models.CharField(max_length=60)),
                (
                    "outcome",
                    models.CharField(
                        choices=[("accepted", "Accepted"), ("refused", "Refused"), ("changed", "Changed")],
                        max_length=10,
                    ),
                ),
                ("reason", models.CharField(blank=True, default="", max_length=60)),
                ("detail", models.CharField(blank=True, default="", max_length=500)),
                ("subject", models.CharField(blank=True, default="", max_length=512)),
                ("is_test", models.BooleanField(default=False)),
                ("address", models.CharField(blank=True, default="", max_length=45)),
                ("request_id", models.CharField(blank=True, default="", max_length=80)),
                ("at", models.DateTimeField(auto_now_add=True)),
            ],
            options={
                "ordering": ["-at", "-id"],
            },
        ),
        migrations.CreateModel(
            name="SsoSession",
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
                ("session_key", models.CharField(max_length=40, unique=True)),
                ("name_id", models.CharField(max_length=512)),
                ("name_id_format", models.CharField(blank=True, default="", max_length=200)),
                ("session_index", models.CharField(blank=True, default="", max_length=512)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
            ],
        ),
        migrations.CreateModel(
            name="UsedAssertion",
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
                ("assertion_hash", models.CharField(max_length=64)),
                ("expires_at", models.DateTimeField()),
            ],
        ),
        migrations.AddField(
            model_name="breakglassowner",
            name="named_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="breakglassowner",
            name="user",
            field=models.OneToOneField(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="break_glass",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="externalidentity",
            name="user",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="external_identities",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="identityprovider",
            name="created_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="identityprovider",
            name="tested_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="grouprule",
            name="provider",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="group_rules",
                to="accounts.identityprovider",
            ),
        ),
        migrations.AddField(
            model_name="externalidentity",
            name="provider",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="identities",
                to="accounts.identityprovider",
            ),
        ),
        migrations.AddField(
            model_name="emaildomain",
            name="captured_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to="accounts.identityprovider",
            ),
        ),
        migrations.AddField(
            model_name="pendingsignin",
            name="provider",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="+", to="accounts.identityprovider"
            ),
        ),
        migrations.AddField(
            model_name="pendingsignin",
            name="started_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="ssologentry",
            name="provider",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to="accounts.identityprovider",
            ),
        ),
        migrations.AddField(
            model_name="ssologentry",
            name="user",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="ssosession",
            name="identity",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="sso_sessions",
                to="accounts.externalidentity",
            ),
        ),
        migrations.AddField(
            model_name="usedassertion",
            name="provider",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="+", to="accounts.identityprovider"
            ),
        ),
        migrations.AddConstraint(
            model_name="identityprovider",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state", "enforced")),
                fields=("state",),
                name="one_enforced_identity_provider",
            ),
        ),
        migrations.AddConstraint(
            model_name="grouprule",
            constraint=models.UniqueConstraint(
                fields=("provider", "group_name"), name="group_rule_once_per_provider"
            ),
        ),
        migrations.AddConstraint(
            model_name="externalidentity",
            constraint=models.UniqueConstraint(
                fields=("provider", "subject"), name="subject_once_per_provider"
            ),
        ),
        migrations.AddConstraint(
            model_name="externalidentity",
            constraint=models.UniqueConstraint(fields=("provider", "user"), name="user_once_per_provider"),
        ),
        migrations.AddConstraint(
            model_name="emaildomain",
            constraint=models.CheckConstraint(
                condition=models.Q(("domain", django.db.models.functions.text.Lower("domain"))),
                name="email_domain_is_lower_case",
            ),
        ),
        migrations.AddIndex(
            model_name="pendingsignin",
            index=models.Index(fields=["expires_at"], name="pending_sign_in_expires"),
        ),
        migrations.AddIndex(
            model_name="ssologentry",
            index=models.Index(fields=["-at", "-id"], name="sso_log_newest"),
        ),
        migrations.AddIndex(
            model_name="ssosession",
            index=models.Index(fields=["identity", "session_index"], name="sso_session_index"),
        ),
        migrations.AddIndex(
            model_name="usedassertion",
            index=models.Index(fields=["expires_at"], name="used_assertion_expires"),
        ),
        migrations.AddConstraint(
            model_name="usedassertion",
            constraint=models.UniqueConstraint(
                fields=("provider", "assertion_hash"), name="assertion_used_once"
            ),
        ),
    ]
