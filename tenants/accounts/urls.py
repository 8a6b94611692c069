"""The routes of the accounts: the entrance, the people, the keys."""

from allauth.account import views as allauth
from django.contrib.auth.decorators import login_required
from django.urls import include, path, re_path

from tenants.accounts.api.scim.urls import scim_urlpatterns
from tenants.accounts.api.urls import api_urlpatterns as api_urlpatterns
from tenants.accounts.clients import open_to_clients
from tenants.accounts.console import (
    access,
    api_tokens,
    entrance,
    identity_providers,
    my_sign_in,
    preferences,
    proposed_changes,
    scim,
    second_step,
    service_accounts,
    sign_in_links,
    sign_in_rules,
    single_sign_on,
    sso_doors,
    sso_handover,
    sso_keys,
    sso_slo,
    users,
)
from tenants.accounts.mfa.enrolment import open_without_second_factor
from tenants.tenancy.states import stays_open, writes_when_read

# allauth looks these names up; only the ones that are wanted have a view of its own behind them.
_entrance = [
    path("sign-in/", stays_open(entrance.sign_in, "read_only"), name="account_login"),
    path(
        "sign-in/confirm/",
        stays_open(second_step.second_factor, "read_only"),
        name="account_second_factor",
    ),
    path("link/", stays_open(sign_in_links.ask, "read_only"), name="account_sign_in_link"),
    path("link/code/", stays_open(sign_in_links.code, "read_only"), name="account_sign_in_code"),
    path(
        "link/<str:token>/",
        stays_open(sign_in_links.open_link, "read_only"),
        name="account_open_sign_in_link",
    ),
    path("sign-in/give-up/", stays_open(second_step.give_up, "read_only"), name="account_give_up"),
    path(
        "sign-in/passkey/",
        stays_open(second_step.passkey_sign_in, "read_only"),
        name="account_passkey_sign_in",
    ),
    path(
        "passkey/options/",
        stays_open(second_step.passkey_options, "read_only"),
        name="account_passkey_options",
    ),
    path("prove/", stays_open(open_to_clients(second_step.prove), "read_only"), name="account_prove"),
    path(
        "sign-out/",
        stays_open(
            open_to_clients(open_without_second_factor(login_required(sso_slo.sign_out))), "read_only"
        ),
        name="account_logout",
    ),
    path("sign-up/", entrance.closed, name="account_signup"),
    path("inactive/", allauth.account_inactive, name="account_inactive"),
    path("password/reset/", allauth.password_reset, name="account_reset_password"),
    path("password/reset/done/", allauth.password_reset_done, name="account_reset_password_done"),
    re_path(
        r"^password/reset/key/(?P<uidb36>[0-9A-Za-z]{1,32})-(?P<key>[^/]{1,200})/$",
        allauth.password_reset_from_key,
        name="account_reset_password_from_key",
    ),
    path(
        "password/reset/key/done/",
        allauth.password_reset_from_key_done,
        name="account_reset_password_from_key_done",
    ),
    path("password/change/", open_to_clients(allauth.password_change), name="account_change_password"),
]

_console = (
    [
        path("invitations/<str:token>/", entrance.accept, name="accept_invitation"),
        path("settings/users/", users.user_list, name="users"),
        path("settings/access/", access.overview, name="access"),
        path("settings/access/grant/", access.grant, name="grant_role"),
        path("settings/access/bindings/<uuid:binding_id>/revoke/", access.revoke, name="revoke_role"),
        path("settings/access/roles/new/", access.new_role, name="new_role"),
        path("settings/access/roles/<uuid:role_id>/", access.role_page, name="role"),
        path("settings/access/roles/<uuid:role_id>/delete/", access.remove_role, name="remove_role"),
        path("settings/access/groups/new/", access.new_group, name="new_group"),
        path("settings/access/groups/<uuid:group_id>/", access.group_page, name="group"),
        path("settings/access/groups/<uuid:group_id>/delete/", access.remove_group, name="remove_group"),
        path("settings/changes/", proposed_changes.change_list, name="changes"),
        path("settings/changes/<uuid:change_id>/", proposed_changes.change_page, name="change"),
        path("settings/changes/<uuid:change_id>/approve/", proposed_changes.approve, name="approve_change"),
        path("settings/changes/<uuid:change_id>/refuse/", proposed_changes.refuse, name="refuse_change"),
        path(
            "settings/changes/<uuid:change_id>/withdraw/", proposed_changes.withdraw, name="withdraw_change"
        ),
        path("settings/users/invite/", users.invite, name="invite_user"),
        path("settings/users/<uuid:user_id>/role/", users.set_role, name="set_role"),
        path("settings/users/<uuid:user_id>/deactivate/", users.deactivate, name="deactivate_user"),
        path("settings/users/<uuid:user_id>/reactivate/", users.reactivate, name="reactivate_user"),
        path("settings/invitations/<uuid:invitation_id>/renew/", users.renew, name="renew_invitation"),
        path("settings/invitations/<uuid:invitation_id>/revoke/", users.revoke, name="revoke_invitation"),
        path("settings/api-tokens/", api_tokens.token_list, name="api_tokens"),
        path("settings/api-tokens/<uuid:token_id>/revoke/", api_tokens.revoke, name="revoke_api_token"),
        path("settings/api-tokens/<uuid:token_id>/rotate/", api_tokens.rotate, name="rotate_api_token"),
        path("settings/service-accounts/", service_accounts.account_list, name="service_accounts"),
        path(
            "settings/service-accounts/<uuid:account_id>/",
            service_accounts.account_page,
            name="service_account",
        ),
        path(
            "settings/service-accounts/<uuid:account_id>/deactivate/",
            service_accounts.deactivate,
            name="deactivate_service_account",
        ),
        path(
            "settings/service-accounts/<uuid:account_id>/tokens/<uuid:token_id>/rotate/",
            service_accounts.rotate,
            name="rotate_service_token",
        ),
        path("settings/preferences/", open_to_clients(preferences.preferences), name="preferences"),
        path("settings/my-sign-in/", open_to_clients(my_sign_in.overview), name="my_sign_in"),
        path("settings/my-sign-in/app/", open_to_clients(my_sign_in.app), name="authenticator_app"),
        path(
            "settings/my-sign-in/app/remove/",
            open_to_clients(my_sign_in.remove_app),
            name="remove_authenticator_app",
        ),
        path("settings/my-sign-in/passkeys/", open_to_clients(my_sign_in.new_passkey), name="new_passkey"),
        path(
            "settings/my-sign-in/passkeys/options/",
            open_to_clients(my_sign_in.new_passkey_options),
            name="new_passkey_options",
        ),
        path(
            "settings/my-sign-in/passkeys/<uuid:passkey_id>/remove/",
            open_to_clients(my_sign_in.remove_passkey),
            name="remove_passkey",
        ),
        path(
            "settings/my-sign-in/recovery-codes/",
            open_to_clients(my_sign_in.new_recovery_codes),
            name="new_recovery_codes",
        ),
        path(
            "settings/my-sign-in/others/",
            open_to_clients(my_sign_in.revoke_others),
            name="revoke_other_sign_ins",
        ),
        path(
            "settings/sign-ins/<uuid:sign_in_id>/revoke/",
            open_to_clients(my_sign_in.revoke),
            name="revoke_sign_in",
        ),
        path("settings/sign-in-rules/", sign_in_rules.rules, name="sign_in_rules"),
        path("settings/users/<uuid:user_id>/sign-ins/", sign_in_rules.sign_ins_of, name="sign_ins_of"),
        path(
            "settings/users/<uuid:user_id>/sign-ins/revoke/",
            sign_in_rules.revoke_all,
            name="revoke_sign_ins_of",
        ),
        path(
            "settings/users/<uuid:user_id>/second-factors/reset/",
            sign_in_rules.reset_factors,
            name="reset_second_factors",
        ),
        path("settings/directories/", scim.overview, name="scim_directories"),
        path("settings/directories/<uuid:directory_id>/", scim.directory_page, name="scim_directory"),
        path("settings/directories/<uuid:directory_id>/key/", scim.new_key, name="new_scim_key"),
        path(
            "settings/directories/<uuid:directory_id>/keys/<uuid:token_id>/revoke/",
            scim.revoke_key,
            name="revoke_scim_key",
        ),
        path("settings/directories/<uuid:directory_id>/rules/", scim.rules, name="scim_rules"),
        path("settings/directories/<uuid:directory_id>/roles/", scim.roles, name="scim_roles"),
        path("settings/directories/<uuid:directory_id>/held/", scim.held, name="scim_held"),
        path("settings/directories/<uuid:directory_id>/remove/", scim.remove, name="remove_scim_directory"),
        path("settings/sign-in/", single_sign_on.overview, name="identity_providers"),
        path("settings/sign-in/keys/", sso_keys.keys, name="sso_keys"),
        path("settings/sign-in/log/", single_sign_on.log_page, name="sso_log"),
        path("settings/sign-in/domains/", single_sign_on.domain, name="sso_domain"),
        path("settings/sign-in/emergency/", single_sign_on.break_glass, name="break_glass"),
        path(
            "settings/sign-in/<uuid:provider_id>/", identity_providers.provider_page, name="identity_provider"
        ),
        path(
            "settings/sign-in/<uuid:provider_id>/change/",
            identity_providers.change,
            name="change_identity_provider",
        ),
        path(
            "settings/sign-in/<uuid:provider_id>/state/",
            identity_providers.move,
            name="move_identity_provider",
        ),
    ],
    "accounts",
)

# Where providers send people: on the company's canonical host only.
_sso = (
    [
        path("find/", stays_open(sso_doors.find, "read_only"), name="find"),
        path("finish/", stays_open(sso_doors.finish, "read_only"), name="finish"),
        path("hand-over/", writes_when_read(sso_handover.hand_over), name="hand_over"),
        path("arrive/", writes_when_read(sso_handover.arrive), name="arrive"),
        path("<uuid:provider_id>/start/", writes_when_read(sso_doors.start), name="start"),
        path("<uuid:provider_id>/test/<str:secret>/", writes_when_read(sso_doors.trial), name="trial"),
        path("<uuid:provider_id>/callback/", writes_when_read(sso_doors.oidc_callback), name="oidc_callback"),
        path("<uuid:provider_id>/acs/", stays_open(sso_doors.saml_acs, "read_only"), name="saml_acs"),
        path("<uuid:provider_id>/metadata/", writes_when_read(sso_doors.saml_metadata), name="saml_metadata"),
        path(
            "<uuid:provider_id>/backchannel/",
            stays_open(sso_slo.backchannel, "read_only"),
            name="oidc_backchannel",
        ),
        path("<uuid:provider_id>/sign-out/", writes_when_read(sso_slo.end_session), name="end_session"),
        path(
            "<uuid:provider_id>/slo/", writes_when_read(stays_open(sso_slo.slo, "read_only")), name="saml_slo"
        ),
    ],
    "sso",
)

console_urlpatterns = [
    path("scim/v2/", include((scim_urlpatterns, "scim"))),
    path("sso/", include(_sso)),
    path("account/", include(_entrance)),
    path("", include(_console)),
]
