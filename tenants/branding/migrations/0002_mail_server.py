"""The mail server a company hands its letters to: one in use, one to be proved."""

import tenants.foundation.ids
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('branding', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='MailServer',
            fields=[
                ('id', models.UUIDField(default=tenants.foundation.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('stage', models.CharField(choices=[('candidate', 'To be proved'), ('active', 'In use')], max_length=10, unique=True)),
                ('host', models.CharField(max_length=253)),
                ('port', models.PositiveIntegerField()),
                ('security', models.CharField(choices=[('starttls', 'starttls'), ('tls', 'tls'), ('none', 'none')], max_length=10)),
                ('username', models.CharField(blank=True, default='', max_length=254)),
                ('password_id', models.UUIDField(blank=True, null=True)),
                ('from_address', models.CharField(max_length=254)),
                ('code_hash', models.BinaryField(blank=True, null=True)),
                ('code_sent_at', models.DateTimeField(blank=True, null=True)),
                ('code_tries', models.PositiveSmallIntegerField(default=0)),
                ('proved_at', models.DateTimeField(blank=True, null=True)),
                ('failures', models.PositiveIntegerField(default=0)),
                ('failing_since', models.DateTimeField(blank=True, null=True)),
                ('rests_until', models.DateTimeField(blank=True, null=True)),
                ('problem', models.CharField(blank=True, default='', max_length=400)),
                ('told_at', models.DateTimeField(blank=True, null=True)),
                ('changed_by', models.CharField(blank=True, default='', max_length=200)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(('stage__in', ['candidate', 'active'])), name='mail_server_stage_is_known'), models.CheckConstraint(condition=models.Q(('security__in', ['starttls', 'tls', 'none'])), name='mail_server_security_is_known'), models.CheckConstraint(condition=models.Q(('port__gte', 1), ('port__lte', 65535)), name='mail_server_port_is_one'), models.CheckConstraint(condition=models.Q(models.Q(('stage', 'active'), _negated=True), ('proved_at__isnull', False), _connector='OR'), name='mail_server_in_use_is_proved')],
            },
        ),
    ]
