"""Plugs the ground floor in."""

from functools import partial

from django.apps import AppConfig
from django.conf import settings

from tenants.foundation import health


class TenantsConfig(AppConfig):
    """The control plane: the directory of companies, their keys and the work of every cell."""

    name = "tenants"
    label = "tenants"

    def ready(self) -> None:
        from tenants import navigation, permissions  # noqa: PLC0415 - models must be loaded first
        from tenants.accounts.support.visits import use_grants  # noqa: PLC0415
        from tenants.backups import checks  # noqa: F401, PLC0415 - the checks register themselves
        from tenants.backups import metrics as backup_metrics  # noqa: PLC0415
        from tenants.branding.domains import letters as domain_letters  # noqa: PLC0415
        from tenants.lifecycle import letters, sagas  # noqa: F401, PLC0415 - the sagas register themselves
        from tenants.operator_access import letters as support_letters  # noqa: PLC0415
        from tenants.operator_access.asking import still_holds  # noqa: PLC0415
        from tenants.tenancy.probes import metrics as probe_metrics  # noqa: PLC0415

        permissions.register()
        navigation.register()
        letters.register()
        domain_letters.register()
        support_letters.register()
        use_grants(still_holds)
        backup_metrics.collector().register()
        probe_metrics.collector().register()
        health.readiness.register("default", partial(health.check_database, "default"))
        for alias in settings.CELLS:
            health.readiness.register(alias, partial(health.check_cell, alias), group="cells")
        health.readiness.register("cache", health.check_cache)
