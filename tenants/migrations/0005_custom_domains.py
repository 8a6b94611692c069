"""Domains of a company's own, with proof."""

import django.db.models.deletion
import django.db.models.functions.datetime
import django.db.models.functions.text
import tenants.foundation.ids
from django.db import migrations, models


class Migration(migrations.Migration):
    """Claims of host names, and which of them is proved."""

    dependencies = [("tenants", "0004_signups")]

    operations = [
        migrations.CreateModel(
            name='CustomDomain',
            fields=[
                ('id', models.UUIDField(default=tenants.foundation.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('host', models.CharField(max_length=253)),
                ('skeleton', models.CharField(max_length=253)),
                ('nonce', models.CharField(max_length=43)),
                ('state', models.CharField(choices=[('pending', 'Pending'), ('verified', 'Verified'), ('active', 'Active'), ('suspended', 'Suspended')], default='pending', max_length=10)),
                ('is_primary', models.BooleanField(default=False)),
                ('proof_problem', models.CharField(blank=True, default='', max_length=300)),
                ('route_problem', models.CharField(blank=True, default='', max_length=300)),
                ('verified_at', models.DateTimeField(blank=True, null=True)),
                ('checked_at', models.DateTimeField(blank=True, null=True)),
                ('missing_since', models.DateTimeField(blank=True, null=True)),
                ('warned_at', models.DateTimeField(blank=True, null=True)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('domain', models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='custom_domain', to='tenants.domain')),
                ('tenant', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='custom_domains', to='tenants.tenant')),
            ],
            options={
                'ordering': ['host'],
                'indexes': [models.Index(fields=['skeleton'], name='custom_domain_skeleton')],
                'constraints': [models.CheckConstraint(condition=models.Q(('host', django.db.models.functions.text.Lower('host'))), name='custom_domain_is_lower_case'), models.UniqueConstraint(fields=('tenant', 'host'), name='custom_domain_claimed_once'), models.UniqueConstraint(condition=models.Q(('state__in', ['verified', 'active'])), fields=('host',), name='custom_domain_of_one_company'), models.UniqueConstraint(condition=models.Q(('is_primary', True)), fields=('tenant',), name='one_primary_domain_per_tenant'), models.CheckConstraint(condition=models.Q(('is_primary', False), ('state', 'active'), _connector='OR'), name='primary_domain_is_active')],
            },
        ),
    ]
