"""Where development and test processes find PostgreSQL, Valkey and their keys."""

from pathlib import Path

from config import embedded
from config.databases import ServiceUrls
from config.env import Environment

DATABASE = "nts"
# More than one from the first day on, so that nothing comes to rely on there being one.
OWN_CELLS = 2


def development_services(
    env: Environment, var: Path, *, database: str = DATABASE
) -> tuple[str, str, str, ServiceUrls]:
    """(secret key, key-encryption key, token pepper, where the servers answer).

    What the environment names wins; the rest is embedded, started when it does not run
    (``EMBEDDED_SERVICES=0`` leaves them alone, for type checks and other commands that need no server).
    """
    keys = [
        given.get_secret_value() if given else embedded.development_key(var, name)
        for name, given in (
            ("secret-key", env.secret_key),
            ("key-encryption-key", env.key_encryption_key),
            ("token-pepper", env.token_pepper),
        )
    ]
    url, owner, redis = env.database_url, env.database_owner_url or env.database_url, env.redis_url
    admin = env.database_admin_url
    if not (url and redis) and env.embedded_services:
        archive = (env.backup_wal_dir or var / "wal-archive").resolve() if env.backup_dir else None
        services = embedded.ensure_running(var, archive=archive)
        if not url:
            url = services.database_url(embedded.LOGIN_ROLE, services.login_password, database)
            owner = services.database_url(embedded.OWNER_ROLE, services.owner_password, database)
            admin = services.database_url(embedded.SUPERUSER, services.superuser_password, database)
            if database == DATABASE:
                cells = (f"{database}_cell_{number}" for number in range(1, OWN_CELLS + 1))
                names = (database, f"{database}_template", *cells)
                embedded.ensure_databases(services, var, names)
        redis = redis or services.redis_url
    nowhere = f"postgresql://nobody@127.0.0.1:1/{database}"
    urls = ServiceUrls(url or nowhere, owner or nowhere, redis or "redis://127.0.0.1:1/0", admin)
    return keys[0], keys[1], keys[2], urls
