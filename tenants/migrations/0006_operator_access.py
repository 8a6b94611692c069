"""Grants by which operators enter a company for a time."""

import django.db.models.deletion
import django.db.models.functions.datetime
import tenants.foundation.ids
from django.db import migrations, models


class Migration(migrations.Migration):
    """Grants, and the companies that give none."""

    dependencies = [("tenants", "0005_custom_domains")]

    operations = [
        migrations.CreateModel(
            name='OperatorRule',
            fields=[
                ('tenant', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='operator_rule', serialize=False, to='tenants.tenant')),
                ('is_shut', models.BooleanField(default=False)),
                ('changed_by', models.CharField(blank=True, default='', max_length=120)),
                ('changed_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
        ),
        migrations.CreateModel(
            name='OperatorGrant',
            fields=[
                ('id', models.UUIDField(default=tenants.foundation.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('operator_id', models.UUIDField()),
                ('operator_name', models.CharField(max_length=120)),
                ('operator_email', models.EmailField(max_length=254)),
                ('reason', models.CharField(max_length=500)),
                ('ticket', models.CharField(blank=True, default='', max_length=80)),
                ('wanted_role', models.CharField(choices=[('read_only', 'Read Only'), ('admin', 'Admin')], max_length=10)),
                ('wanted_minutes', models.PositiveSmallIntegerField()),
                ('state', models.CharField(choices=[('asked', 'Asked'), ('approved', 'Approved'), ('refused', 'Refused'), ('withdrawn', 'Withdrawn'), ('revoked', 'Revoked'), ('ended', 'Ended')], default='asked', max_length=10)),
                ('role', models.CharField(blank=True, choices=[('read_only', 'Read Only'), ('admin', 'Admin')], default='', max_length=10)),
                ('decided_by', models.CharField(blank=True, default='', max_length=120)),
                ('decided_at', models.DateTimeField(blank=True, null=True)),
                ('ends_at', models.DateTimeField(blank=True, null=True)),
                ('ended_by', models.CharField(blank=True, default='', max_length=120)),
                ('ended_at', models.DateTimeField(blank=True, null=True)),
                ('asked_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('tenant', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='operator_grants', to='tenants.tenant')),
            ],
            options={
                'ordering': ['-asked_at'],
                'indexes': [models.Index(fields=['tenant', '-asked_at'], name='operator_grant_of_tenant'), models.Index(fields=['operator_id', '-asked_at'], name='operator_grant_of_operator')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('state__in', ['asked', 'approved'])), fields=('tenant', 'operator_id'), name='one_open_grant_per_operator'), models.CheckConstraint(condition=models.Q(('wanted_minutes__gte', 5), ('wanted_minutes__lte', 480)), name='operator_grant_has_a_bound'), models.CheckConstraint(condition=models.Q(models.Q(('state', 'approved'), _negated=True), models.Q(('decided_at__lt', models.F('ends_at')), ('ends_at__isnull', False)), _connector='OR'), name='approved_grant_has_an_end')],
            },
        ),
    ]
