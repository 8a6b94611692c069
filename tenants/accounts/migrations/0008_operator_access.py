"""Operators who were let in for a time, and sign-ins that go from host to host."""

import django.db.models.deletion
import tenants.foundation.ids
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    """Visits and what was done on them; handovers; the host a sign-in counts on."""

    dependencies = [("accounts", "0007_proposed_changes")]

    operations = [
        migrations.AddField(
            model_name='usersession',
            name='host',
            field=models.CharField(blank=True, db_default='', default='', max_length=253),
        ),
        migrations.CreateModel(
            name='SignInHandover',
            fields=[
                ('id', models.UUIDField(default=tenants.foundation.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('purpose', models.CharField(choices=[('sso', 'Single Sign On'), ('support', 'Support')], max_length=10)),
                ('host', models.CharField(max_length=253)),
                ('state_hash', models.BinaryField(max_length=32, unique=True)),
                ('browser_hash', models.BinaryField(max_length=32)),
                ('code_hash', models.BinaryField(blank=True, max_length=32, null=True)),
                ('subject_id', models.UUIDField(blank=True, null=True)),
                ('payload', models.JSONField(blank=True, default=dict)),
                ('next_path', models.CharField(blank=True, default='', max_length=500)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('expires_at', models.DateTimeField()),
            ],
            options={
                'indexes': [models.Index(fields=['expires_at'], name='handover_expires')],
            },
        ),
        migrations.CreateModel(
            name='SupportAccount',
            fields=[
                ('id', models.UUIDField(default=tenants.foundation.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('operator_id', models.UUIDField(unique=True)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('user', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='support_account', to=settings.AUTH_USER_MODEL)),
            ],
        ),
        migrations.CreateModel(
            name='SupportVisit',
            fields=[
                ('id', models.UUIDField(default=tenants.foundation.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('grant_id', models.UUIDField()),
                ('role', models.CharField(choices=[('read_only', 'Read Only'), ('admin', 'Admin')], max_length=10)),
                ('reason', models.CharField(max_length=500)),
                ('entered_at', models.DateTimeField()),
                ('ends_at', models.DateTimeField()),
                ('ended_at', models.DateTimeField(blank=True, null=True)),
                ('ended_because', models.CharField(blank=True, default='', max_length=20)),
                ('account', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='visits', to='accounts.supportaccount')),
                ('sign_in', models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='support_visit', to='accounts.usersession')),
            ],
            options={
                'ordering': ['-entered_at'],
            },
        ),
        migrations.CreateModel(
            name='SupportAction',
            fields=[
                ('id', models.UUIDField(default=tenants.foundation.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('at', models.DateTimeField()),
                ('method', models.CharField(max_length=10)),
                ('path', models.CharField(max_length=300)),
                ('route', models.CharField(blank=True, default='', max_length=120)),
                ('status', models.PositiveSmallIntegerField()),
                ('request_id', models.CharField(blank=True, default='', max_length=80)),
                ('visit', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='actions', to='accounts.supportvisit')),
            ],
            options={
                'ordering': ['-at'],
            },
        ),
        migrations.AddIndex(
            model_name='supportvisit',
            index=models.Index(fields=['grant_id', '-entered_at'], name='support_visit_of_grant'),
        ),
        migrations.AddIndex(
            model_name='supportaction',
            index=models.Index(fields=['visit', '-at'], name='support_action_of_visit'),
        ),
    ]
