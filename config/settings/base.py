"""Settings every variant shares; what differs stands in local, test and production."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kombu import Exchange, Queue

from config.databases import ServiceUrls, databases_for
from config.embedded import POSTGRES_BIN as POSTGRES_BIN
from config.embedded import SERVER_ACCOUNT
from config.env import ROOT, Cell, load_environment
from config.mail import mailers_for
from config.settings.describing import SPECTACULAR_SETTINGS as SPECTACULAR_SETTINGS
from config.settings.logging import configure_logging

ENV = load_environment()
BASE_DIR = ROOT
VAR_DIR: Path = ENV.var_dir.resolve()

DEBUG = False
SECRET_KEY = ENV.secret_key.get_secret_value() if ENV.secret_key else ""
# Every host is looked up in the tenants' directory (tenants.tenancy.middleware): an unknown one gets a neutral 404.
ALLOWED_HOSTS = ["*"]
BASE_DOMAIN = ENV.base_domain
PUBLIC_SCHEME, PUBLIC_PORT = ENV.public_scheme, ENV.public_port
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
ASGI_APPLICATION = "config.asgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

SHARED_APPS = ["tenants", "django.contrib.contenttypes", "django.contrib.auth"]
TENANT_APPS = [
    "django.contrib.sessions",
    "tenants.accounts",
    "tenants.branding",
    "tenants.secrets",
    "tenants.outbox",
    "allauth.account",
    "tasks",
    "integrations",
    "reporting",
]
INSTALLED_APPS = [
    *SHARED_APPS,
    *TENANT_APPS,
    "django.contrib.messages",
    "django.forms",
    "django.contrib.postgres",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "allauth",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_htmx",
    "lucide",
    # For its model bases alone: its generic tables are made nowhere (decision 0022).
    "guardian",
]
MIGRATION_MODULES: dict[str, str | None] = {"guardian": None}

MIDDLEWARE = [
    "tenants.foundation.requests.RequestIdMiddleware",
    "tenants.foundation.health.HealthMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.csp.ContentSecurityPolicyMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "tenants.branding.domains.asking.CertificateAskMiddleware",
    "tenants.tenancy.middleware.TenantMiddleware",
    "tenants.branding.domains.canonical.CanonicalHostMiddleware",
    "tenants.accounts.access.recording.AccessNotesMiddleware",
    "tenants.accounts.support.middleware.SupportNotesMiddleware",
    "tenants.accounts.sso.oversized.OversizedMiddleware",
    "tenants.tenancy.middleware.TransactionMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "tenants.accounts.sessions.middleware.SignInMiddleware",
    "tenants.accounts.support.middleware.SupportMiddleware",
    "tenants.accounts.middleware.ActorMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "tenants.accounts.middleware.LocaleMiddleware",
    "tenants.accounts.middleware.SignInRequiredMiddleware",
    "tenants.accounts.clients.ClientMiddleware",
    "tenants.foundation.problem_pages.DomainErrorMiddleware",
    "tenants.accounts.mfa.enrolment.SecondFactorMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "tenants.foundation.console.console_context",
                "tenants.branding.domains.context.domain_context",
                "tenants.branding.context.brand_context",
            ],
            "builtins": ["tenants.templatetags.ui", "lucide.templatetags.lucide"],
        },
    }
]
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"

# --- databases, caches, broker
# Filled by the variants, which know where the servers are.
DATABASES: dict[str, Any] = {}
DATABASE_ROUTERS = ["tenants.tenancy.router.TenancyRouter"]
TENANT_ROLE_PREFIX = "t_"
CELLS: list[str] = []
CELL_POLICIES: dict[str, Cell] = {}
ADMIN_URLS: dict[str, str] = {}
REDIS_URL = CELERY_BROKER_URL = ""
# Where a company's rows are kept that asked for no region.
DEFAULT_REGION = ENV.default_region
# Companies that get a release's migrations before all others.
MIGRATION_CANARIES = ENV.migration_canaries
SPARE_SCHEMAS = ENV.spare_schemas


def use_services(urls: ServiceUrls, own_cells: Sequence[Cell] = ()) -> dict[str, Any]:
    """The settings that follow from where PostgreSQL and Valkey answer."""
    layout = databases_for(ENV, urls, own_cells=own_cells)
    return {
        "DATABASES": layout.databases,
        "CELLS": list(layout.cells),
        # What each cell takes in: region, whether it is open to new tenants, how many it holds at most.
        "CELL_POLICIES": layout.cells,
        "ADMIN_URLS": layout.admin_urls,
        "REDIS_URL": urls.redis,
        "CELERY_BROKER_URL": urls.redis,
        # Outside a company's scope the first refuses; the second is for what belongs to no company.
        "CACHES": {
            name: {
                "BACKEND": "django.core.cache.backends.redis.RedisCache",
                "LOCATION": urls.redis,
                "KEY_FUNCTION": f"tenants.tenancy.cache.{key_function}",
                "TIMEOUT": 300,
            }
            for name, key_function in (("default", "tenant_key"), ("platform", "platform_key"))
        },
    }


# Whether requests note which permissions people use, for reviews of access; once a day and process for each.
ACCESS_NOTES_USES = True

# --- people
AUTH_USER_MODEL = "accounts.User"
# guardian: no user of its own in any company, nothing added to users and groups, no backend of its own.
ANONYMOUS_USER_NAME = None
GUARDIAN_MONKEY_PATCH_USER = GUARDIAN_MONKEY_PATCH_GROUP = False
AUTHENTICATION_BACKENDS = ["tenants.accounts.backends.EmailBackend"]
PASSWORD_HASHERS = ["tenants.accounts.passwords.PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
SESSION_ENGINE = "tenants.accounts.sessions.store"
MESSAGE_STORAGE = "tenants.accounts.sessions.messages.MessageStorage"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 14 * 24 * 3600
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "config.errors.csrf_failure"
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_ADAPTER = "tenants.accounts.adapter.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_USER_MODEL_EMAIL_FIELD = "email"
ACCOUNT_UNIQUE_EMAIL = True
ACCOUNT_EMAIL_VERIFICATION = "none"  # people arrive by invitation: the link proves the address
ACCOUNT_PREVENT_ENUMERATION = "strict"
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False
ACCOUNT_FORMS = {"reset_password": "tenants.accounts.sessions.forms.ResetForm"}
# Guessing is slowed down by tenants.accounts.delays, which locks nobody out; these stop floods from one address.
ACCOUNT_RATE_LIMITS = {"login_failed": None, "login": "300/m/ip", "reset_password": "60/m/ip"}
# How many proxies of ours add to X-Forwarded-For: attempts are counted by the address before them.
ALLAUTH_TRUSTED_PROXY_COUNT = ENV.trusted_proxies
ACCOUNT_SESSION_REMEMBER = True
KEY_ENCRYPTION_KEY = ENV.key_encryption_key.get_secret_value() if ENV.key_encryption_key else ""
KEY_ENCRYPTION_KEY_FILE = str(ENV.key_encryption_key_file) if ENV.key_encryption_key_file else ""
# Written into new API tokens, so that a leaked one says where it belongs; tokens made before keep theirs.
TOKEN_ENVIRONMENT = ENV.token_environment
TOKEN_PEPPER = ENV.token_pepper.get_secret_value() if ENV.token_pepper else ""

# Where the processes of one server put their metrics together; the Prometheus client reads the same variable.
PROMETHEUS_MULTIPROC_DIR = str(ENV.prometheus_multiproc_dir or "")
WORKER_METRICS_LISTEN = ENV.worker_metrics_listen

# --- backups
BACKUP_DIR: Path | None = ENV.backup_dir.resolve() if ENV.backup_dir else None
BACKUP_WAL_DIR: Path = (ENV.backup_wal_dir or VAR_DIR / "wal-archive").resolve()
BACKUP_SCRATCH_DIR: Path = (ENV.backup_scratch_dir or VAR_DIR / "restore").resolve()
BACKUP_URL = ENV.backup_url or ""
BACKUP_KEEP_DAYS, RESTORE_KEEP_DAYS = ENV.backup_keep_days, ENV.restore_keep_days
# The account PostgreSQL's own programs run as: it refuses to run as root.
POSTGRES_ACCOUNT = SERVER_ACCOUNT if os.geteuid() == 0 else None

# --- outside services
NOTION_BASE_URL = ENV.notion_base_url
NOTION_OAUTH_CLIENT_ID = ENV.notion_oauth_client_id
_client_secret = ENV.notion_oauth_client_secret
NOTION_OAUTH_CLIENT_SECRET = _client_secret.get_secret_value() if _client_secret else ""
OAUTH_CALLBACK_BASE = ENV.oauth_callback_base
OUTBOUND_ALLOWED_PRIVATE_HOSTS = ENV.outbound_allowed_private_hosts
SYNC_POLL_SECONDS = ENV.sync_poll_seconds
SYNC_BRAKE_ROWS, SYNC_BRAKE_PERCENT = ENV.sync_brake_rows, ENV.sync_brake_percent
CUSTOM_DOMAIN_TARGET, DNS_RESOLVERS = ENV.custom_domain_target, ENV.dns_resolvers
CERTIFICATE_ASK_SECRET = ENV.certificate_ask_secret.get_secret_value() if ENV.certificate_ask_secret else ""
SIGN_UPS_ARE_OPEN = ENV.sign_ups == "open"
DEFAULT_FROM_EMAIL = ENV.email_from
MAILERS = mailers_for(ENV.email_url)

# --- a company leaves
EXPORTS_DIR: Path = (ENV.exports_dir or VAR_DIR / "exports").resolve()
EXPORT_KEEP_DAYS, DELETION_GRACE_DAYS = ENV.export_keep_days, ENV.deletion_grace_days

# --- dispatch
DISPATCH_INFLIGHT_PER_TENANT = ENV.dispatch_inflight_per_tenant
DISPATCH_INFLIGHT_TOTAL = ENV.dispatch_inflight_total
DISPATCH_HANDED_SECONDS = 30
DISPATCH_KEEP_DONE_DAYS, DISPATCH_KEEP_DEAD_DAYS, OUTBOX_KEEP_DAYS = 3, 90, 90
DISPATCH_CELERY_APP = "config.celery.app"
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_SERIALIZER = CELERY_RESULT_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {"visibility_timeout": 3600, "unacked_restore_interval": 5}
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TASK_DEFAULT_QUEUE = "work"
# The platform's own work needs the owner's connections, which a worker for companies' work is better without.
CELERY_TASK_QUEUES = [Queue(name, Exchange(name), routing_key=name) for name in ("work", "platform")]

# --- API
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "tenants.accounts.api.authentication.BearerTokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["tenants.accounts.api.permissions.RequiresActor"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["tenants.foundation.api.StrictJSONParser"],
    "DEFAULT_PAGINATION_CLASS": "tenants.foundation.api.KeysetPagination",
    "DEFAULT_SCHEMA_CLASS": "tenants.foundation.api.description.DescribedView",
    "EXCEPTION_HANDLER": "tenants.foundation.api.problem_handler",
    "PAGE_SIZE": 50,
    "UNAUTHENTICATED_USER": None,
    "URL_FORMAT_OVERRIDE": None,
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024

# --- pages
LANGUAGE_CODE, TIME_ZONE, USE_I18N, USE_TZ = "en", "UTC", True, True
FORMAT_MODULE_PATH = ["config.formats"]
LANGUAGES = [("en", "English"), ("de", "Deutsch"), ("es", "Español")]
STATIC_URL = "/static/"
STATIC_ROOT = VAR_DIR / "static"
STATICFILES_DIRS = [VAR_DIR / "static-build"]
(VAR_DIR / "static-build").mkdir(parents=True, exist_ok=True)
FILES_DIR: Path = (ENV.files_dir or VAR_DIR / "files").resolve()


def file_storage(location: Path) -> dict[str, Any]:
    """STORAGES["default"]: a folder for each company below ``location``."""
    return {"BACKEND": "tenants.tenancy.storage.TenantStorage", "OPTIONS": {"location": str(location)}}


STORAGES = {
    "default": file_storage(FILES_DIR),
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
SECURE_CSP = {
    "default-src": ["'none'"],
    "script-src": ["'self'"],
    "style-src": ["'self'"],
    "img-src": ["'self'", "data:"],
    "font-src": ["'self'"],
    "connect-src": ["'self'"],
    "manifest-src": ["'self'"],
    "form-action": ["'self'"],
    "base-uri": ["'none'"],
    "frame-ancestors": ["'none'"],
}
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SILENCED_SYSTEM_CHECKS = ["guardian.W001"]

LOGGING_CONFIG = None
configure_logging(ENV.log_level, as_json=ENV.log_json)
