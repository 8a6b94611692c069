"""The demo from start to end: everything started in order, watched while it runs, stopped at the end."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import Event, Thread
from typing import TextIO
from uuid import UUID

from django.conf import settings
from django.core.management import call_command
from django.db import connections

from integrations.demo.addresses import OAUTH_CLIENT_ID, Addresses
from integrations.demo.clash import EVENT_WINDOW_SECONDS, ensure_clash
from integrations.demo.client import ensure_client
from integrations.demo.companies import (
    SignIn,
    demo_companies,
    demo_password,
    ensure_company,
    ensure_connections,
    platform_company,
)
from integrations.demo.events import ensure_events, ensure_platform_events
from integrations.demo.name_servers import NameServers, Records
from integrations.demo.only_one import hold
from integrations.demo.outcome import Outcome, outcome_of, workspaces_of
from integrations.demo.own_domain import ensure_own_domain
from integrations.demo.processes import Processes
from integrations.demo.progress import ProgressDisplay
from integrations.demo.supervisor import Supervisor
from integrations.demo.workspaces import SEED, ensure_workspace_files
from integrations.sandbox.notion.content.edits import DemoEdit
from integrations.sandbox.notion.content.life import DemoLife
from integrations.sandbox.notion.content.loopback import SandboxCalls
from integrations.sandbox.notion.window.pages import WINDOW
from tenants.foundation.errors import DomainError
from tenants.tenancy import TenantRef

_LOOK_EVERY_SECONDS = 0.5
_TITLE_WIDTH = 60
_FIRST_SYNC_SECONDS = 20 * 60.0


class Show:
    """One run of the demo. `stream` gets everything a person reads; it never is where JSON goes."""

    def __init__(self, addresses: Addresses, stream: TextIO) -> None:
        self._addresses = addresses
        self._stream = stream
        self._folder = Path(settings.VAR_DIR) / "demo"
        self._supervisor = Supervisor(self._folder / "logs")
        self._processes = Processes(self._supervisor, addresses)
        self._companies: list[TenantRef] = []
        self._sign_ins: list[SignIn] = []
        self._totals: dict[str, int] = {}
        self._own_domain = ""
        self._records = Records(self._folder / "names.json")
        self._names: NameServers | None = None
        self._stop_living = Event()
        self._life: Thread | None = None
        self._lock: TextIO | None = None
        self._began = time.monotonic()

    @property
    def password(self) -> str:
        """The password of everybody in the demo."""
        return demo_password(self._folder / "password")

    def start(self) -> None:
        """Start everything and begin the first syncs.

        Raises: ChildEnded, Conflict (the demo runs already), DomainError (a token was refused, …).
        """
        self._lock = hold(self._folder / "running")
        self._addresses.take_effect()
        for notice in self._addresses.notices:
            self._say(notice)
        self._names = NameServers(self._records, [each.number for each in self._addresses.name_servers])
        self._names.start()
        assets = self._processes.start_assets()
        self._say("The Notion sandbox starts …")
        files = ensure_workspace_files(self._folder / "workspaces")
        sandbox = self._processes.start_sandbox(files, self._folder / "sandbox")
        self._say("Databases are prepared …")
        call_command("prepare", stdout=self._stream, stderr=self._stream)
        assets = self._processes.collect_assets(assets)
        self._processes.start_background()
        self._totals = self._processes.wait_for_sandbox(sandbox)
        self._say("Two companies are taken in and connected to two Notion workspaces each …")
        connected: list[tuple[TenantRef, list[UUID]]] = []
        for company in demo_companies():
            ref, people = ensure_company(company, self.password)
            self._companies.append(ref)
            self._sign_ins += people
            connected.append((ref, ensure_connections(ref, files)))
        self._own_domain = ensure_own_domain(self._companies[0], self._records)
        platform, operators = ensure_company(platform_company(), self.password)
        self._sign_ins += operators
        self._supervisor.finish(assets)
        web = self._processes.start_web()
        self._processes.wait_for_web(web)
        self._listen(platform, connected)

    def _listen(self, platform: TenantRef, connected: Sequence[tuple[TenantRef, list[UUID]]]) -> None:
        """Have the sandbox tell the console of changes; without that they are found by looking, only later."""
        calls = SandboxCalls(self._addresses.sandbox_url)
        try:
            calls.control("webhooks/rules", {"window_seconds": EVENT_WINDOW_SECONDS})
            for ref, connection_ids in connected:
                ensure_events(ref, connection_ids, calls)
            ensure_platform_events(platform, OAUTH_CLIENT_ID, calls)
        except DomainError as error:
            self._say(f"The sandbox will not tell of changes ({error}): they are found by looking.")

    def wait_for_first_syncs(self) -> Outcome:
        """Show progress until every workspace was read once, and count what came of it.

        Raises: ChildEnded; TimeoutError after twenty minutes.
        """
        self._say("First sync:")
        display = ProgressDisplay(self._stream)
        deadline = time.monotonic() + _FIRST_SYNC_SECONDS
        while True:
            self._mend()
            workspaces = [each for ref in self._companies for each in workspaces_of(ref, self._totals)]
            display.show(workspaces)
            if all(workspace.is_finished for workspace in workspaces):
                return outcome_of(self._companies, time.monotonic() - self._began)
            if time.monotonic() > deadline:
                raise TimeoutError("The first sync did not end within twenty minutes.")
            time.sleep(_LOOK_EVERY_SECONDS)

    def tell(self, outcome: Outcome) -> None:
        """Print what stands, the addresses, and a sign-in for each role."""
        self._say("")
        self._say(
            f"{outcome.tasks:,} tasks of {outcome.connections} Notion workspaces are in step after "
            f"{outcome.seconds:.0f} s; {outcome.notion_calls:,} calls to Notion since they were connected."
        )
        for line in sign_in_lines(self._with_client(), self.password):
            self._say(line)
        self._say("")
        self._say(f"Acme under a name of its own: {self._own_domain}")
        self._say(
            "    Another one: add it under “Domains”, set its two records with `manage.py demo_dns`, look it up."
        )
        self._say(
            f"    From the shell: DNS_RESOLVERS={','.join(self._addresses.resolvers)} manage.py domains acme --check"
        )
        for line in what_to_try(self._addresses.sandbox_url + WINDOW):
            self._say(line)
        self._say("")
        self._say(f"Logs of the processes: {self._folder / 'logs'}")
        self._say("People now go on working in Notion. Ctrl-C stops everything that was started.")
        self._say("")

    def _with_client(self) -> list[SignIn]:
        """Those who can sign in, the first company's client among them: it has projects only now."""
        ref, name = self._companies[0], self._sign_ins[0].company
        client = ensure_client(ref, company=name, password=self.password)
        mine = [each for each in self._sign_ins if each.address == client.address]
        others = [each for each in self._sign_ins if each.address != client.address]
        return [*mine, client, *others]

    def live(self) -> None:
        """Let people edit pages in the sandbox, and look after the processes, until interrupted.

        Raises: ChildEnded when a process keeps ending; KeyboardInterrupt as it comes.
        """
        life = DemoLife(
            self._addresses.sandbox_url,
            seed=SEED + int(time.time()),
            on_edit=lambda e: self._say(edit_line(e)),
        )
        self._clash()
        self._life = Thread(target=life.run, args=(self._stop_living,), name="demo-life", daemon=True)
        self._life.start()
        while True:
            self._mend()
            time.sleep(_LOOK_EVERY_SECONDS)

    def _clash(self) -> None:
        """Let two people change one title at once, the first time."""
        try:
            key = ensure_clash(self._companies[0], SandboxCalls(self._addresses.sandbox_url))
        except DomainError as error:
            self._say(f"No conflict was made ({error}).")
            return
        if key:
            self._say(f"{key}: two people changed its title at once. It waits under “Conflicts”.")

    def stop(self) -> None:
        """Stop what this run started, and nothing else. May be called again."""
        self._stop_living.set()
        if self._life is not None:
            self._life.join(timeout=5)
        if self._names is not None:
            self._names.stop()
        stopped = self._supervisor.stop_all()
        connections.close_all()
        stopped += _stop_services(getattr(settings, "EMBEDDED_STARTED_HERE", ()))
        if self._lock is not None:
            self._lock.close()
        if stopped:
            self._say(f"Stopped: {', '.join(stopped)}.")

    def _mend(self) -> None:
        """Start processes again that ended by themselves."""
        for child in self._supervisor.ended():
            self._supervisor.restart(child)

    def _say(self, line: str) -> None:
        self._stream.write(f"{line}\n")
        self._stream.flush()


def _stop_services(started: Sequence[str] | set[str]) -> list[str]:
    """Stop the embedded services this process had to start."""
    names = sorted(started)
    if not names:
        return []
    environment: Mapping[str, str] = {**os.environ, "VAR_DIR": str(settings.VAR_DIR)}
    command = (sys.executable, "-m", "config.embedded", "stop", *names)
    subprocess.run(command, env=environment, check=True, cwd=settings.BASE_DIR, stdout=subprocess.DEVNULL)  # noqa: S603
    return names


def edit_line(edit: DemoEdit) -> str:
    """Return an edit in one line: when, where, who, which page, what."""
    title = edit.title if len(edit.title) <= _TITLE_WIDTH else f"{edit.title[: _TITLE_WIDTH - 1]}…"
    place = f"{edit.table.workspace.name} / {edit.table.shape.title}"
    return f"{time.strftime('%H:%M:%S')}  {place}: {edit.person}, “{title}”: {edit.change}"


def what_to_try(window: str) -> list[str]:
    """Return where both sides can be watched, as lines of text."""
    return [
        f"The other side, the Notion sandbox: {window}",
        "    Edit a task in the console: it is there within seconds. Edit it there: it is here within seconds.",
        "    “Open in Notion” on a task leads to its page there. A conflict waits under “Conflicts”.",
    ]


def sign_in_lines(sign_ins: Sequence[SignIn], password: str) -> list[str]:
    """Return the addresses with who can sign in there, as lines of text."""
    lines: list[str] = []
    address = ""
    for sign_in in sign_ins:
        if sign_in.address != address:
            address = sign_in.address
            lines += ["", f"{sign_in.company}: {address}"]
        lines.append(f"    {sign_in.role:<8} {sign_in.email:<38} {sign_in.name}")
    return [*lines, "", f"Password of everybody: {password}"]
