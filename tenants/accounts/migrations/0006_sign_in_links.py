"""Sign-ins by a link in a letter."""

import django.db.models.deletion
import tenants.foundation.ids
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    """Links and codes sent by e-mail, and the rule who may use them."""

    dependencies = [("accounts", "0005_scim")]

    operations = [
        migrations.AddField(
            model_name='accesspolicy',
            name='link_sign_in',
            field=models.CharField(choices=[('nobody', 'Nobody'), ('guests', 'Guests'), ('everybody', 'Everybody without sensitive permissions')], db_default='guests', default='guests', max_length=12),
        ),
        migrations.AlterField(
            model_name='usersession',
            name='method',
            field=models.CharField(choices=[('password', 'Password'), ('passkey', 'Passkey'), ('sso', 'Sso'), ('link', 'Link'), ('invitation', 'Invitation'), ('reset', 'Reset'), ('other', 'Other')], max_length=12),
        ),
        migrations.CreateModel(
            name='SignInLink',
            fields=[
                ('id', models.UUIDField(default=tenants.foundation.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('browser_hash', models.BinaryField(max_length=32)),
                ('token_hash', models.BinaryField(blank=True, max_length=32, null=True, unique=True)),
                ('code_hash', models.BinaryField(blank=True, max_length=32, null=True)),
                ('standing', models.BinaryField(blank=True, max_length=32, null=True)),
                ('next_path', models.CharField(blank=True, default='', max_length=500)),
                ('tries', models.PositiveSmallIntegerField(default=0)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('expires_at', models.DateTimeField()),
                ('sent_at', models.DateTimeField(blank=True, null=True)),
                ('used_at', models.DateTimeField(blank=True, null=True)),
                ('user', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'indexes': [models.Index(fields=['user', 'sent_at'], name='sign_in_link_of_user'), models.Index(fields=['expires_at'], name='sign_in_link_expires'), models.Index(fields=['browser_hash'], name='sign_in_link_of_browser')],
            },
        ),
    ]
