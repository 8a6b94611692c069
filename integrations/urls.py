"""The routes of the integrations: console below /workspaces/ and /sync/, API below /api/v1/."""

from django.urls import URLPattern, URLResolver, include, path

from integrations.api.urls import api_urlpatterns
from integrations.console import (
    conflicts,
    descriptions,
    mappings,
    monitor,
    oauth,
    pushes,
    run_changes,
    set_up,
    setups,
    sync_runs,
    webhooks,
    workspaces,
)
from integrations.webhooks.door import connection_hook, platform_hook

__all__ = ["api_urlpatterns", "console_urlpatterns"]

_console = (
    [
        path("workspaces/", workspaces.workspace_list, name="workspaces"),
        path("workspaces/connect/", workspaces.connect, name="connect"),
        path("workspaces/connect/notion/", oauth.start, name="oauth_start"),
        # Registered at the service exactly like this, for all companies together.
        path("oauth/notion/callback", oauth.callback, name="oauth_callback"),
        path("workspaces/<uuid:connection_id>/", workspaces.workspace, name="workspace"),
        path("workspaces/<uuid:connection_id>/grant/", oauth.reauthorise, name="oauth_reauthorise"),
        path("workspaces/<uuid:connection_id>/act/", workspaces.act, name="workspace_act"),
        path("workspaces/<uuid:connection_id>/look/", workspaces.look_again, name="look_again"),
        path("workspaces/<uuid:connection_id>/token/", workspaces.token, name="token"),
        path("workspaces/<uuid:connection_id>/set-up/choose/", set_up.choose, name="set_up_choose"),
        path("workspaces/<uuid:connection_id>/set-up/go/", set_up.go, name="set_up_go"),
        path("workspaces/<uuid:connection_id>/dry-run/", set_up.rehearse, name="dry_run"),
        path("workspaces/<uuid:connection_id>/events/", webhooks.webhook, name="webhook"),
        path("workspaces/<uuid:connection_id>/events/act/", webhooks.webhook_act, name="webhook_act"),
        path("workspaces/<uuid:connection_id>/events/token/", webhooks.webhook_reveal, name="webhook_reveal"),
        path("workspaces/databases/<uuid:collection_id>/", mappings.mapping, name="mapping"),
        path("workspaces/<uuid:connection_id>/setup/", setups.new_setup, name="setup_new"),
        path("workspaces/<uuid:connection_id>/setups/<uuid:setup_id>/", setups.setup, name="setup"),
        path(
            "workspaces/<uuid:connection_id>/setups/<uuid:setup_id>/again/",
            setups.setup_again,
            name="setup_again",
        ),
        path("workspaces/<uuid:connection_id>/description/", descriptions.description, name="description"),
        path(
            "workspaces/<uuid:connection_id>/description.<str:kind>",
            descriptions.description_file,
            name="description_file",
        ),
        path("workspaces/<uuid:connection_id>/describe/", descriptions.describe, name="describe"),
        path("sync/", monitor.monitor, name="sync_monitor"),
        path("sync/set-aside/", monitor.set_aside, name="set_aside"),
        path("sync/set-aside/<uuid:connection_id>/retry/", monitor.retry, name="set_aside_retry"),
        path("sync/pushes/", pushes.push_list, name="pushes"),
        path("sync/pushes/retry/", pushes.retry_refused, name="pushes_retry"),
        path("sync/pushes/<uuid:push_id>/retry/", pushes.retry, name="push_retry"),
        path("sync/conflicts/", conflicts.conflict_list, name="conflicts"),
        path("sync/conflicts/choose/", conflicts.choose_together, name="conflicts_choose"),
        path("sync/conflicts/<uuid:conflict_id>/", conflicts.conflict, name="conflict"),
        path("sync/conflicts/<uuid:conflict_id>/choose/", conflicts.choose_side, name="conflict_choose"),
        path("sync/conflicts/<uuid:conflict_id>/revert/", conflicts.take_back, name="conflict_revert"),
        path("sync/runs/", sync_runs.run_list, name="sync_runs"),
        path("sync/runs/<uuid:run_id>/", sync_runs.run, name="sync_run"),
        path("sync/runs/<uuid:run_id>/live/", sync_runs.live, name="sync_run_live"),
        path("sync/runs/<uuid:run_id>/cancel/", sync_runs.cancel, name="sync_run_cancel"),
        path("sync/runs/<uuid:run_id>/again/", sync_runs.again, name="sync_run_again"),
        path("sync/runs/<uuid:run_id>/decide/", run_changes.decide, name="sync_run_decide"),
        path("sync/runs/<uuid:run_id>/undo/", run_changes.undo, name="sync_run_undo"),
        path("sync/runs/<uuid:run_id>/log/", sync_runs.log_file, name="sync_run_log"),
    ],
    "integrations",
)

# The keys in these addresses are secrets of companies: "key" is a name that logs hide.
_hooks = (
    [
        path("hooks/<slug:connector>/", platform_hook, name="platform"),
        path("hooks/<slug:connector>/<str:key>/", connection_hook, name="connection"),
    ],
    "hooks",
)

console_urlpatterns: list[URLPattern | URLResolver] = [path("", include(_console)), path("", include(_hooks))]
