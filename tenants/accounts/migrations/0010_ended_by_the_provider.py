"""To which sign-in a provider's session came, so that the provider can end it; on which host a link was asked for."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0009_sso_keys")]

    operations = [
        migrations.AddField(
            model_name="ssosession",
            name="sign_in_id",
            field=models.UUIDField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="signinlink",
            name="host",
            field=models.CharField(blank=True, db_default="", default="", max_length=253),
        ),
    ]
