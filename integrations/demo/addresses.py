"""Where the demo's services answer, told to this process and to those it starts."""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field

from django.conf import settings

from integrations.demo.ports import LOOPBACK, ChosenPort, choose_port

WEB_PORT = 8000
SANDBOX_PORT = 8790
NAME_SERVER_PORTS = (8793, 8794)
POLL_SECONDS = 10
"""How often the demo looks for changes where no events come: often, so that an edit is seen soon on a page."""
OAUTH_CLIENT_ID = "task-sync-demo"
"""The public integration the sandbox knows, with which workspaces can be connected by granting access."""


@dataclass(frozen=True, slots=True)
class Addresses:
    """The ports of console and sandbox."""

    web: ChosenPort
    sandbox: ChosenPort
    name_servers: tuple[ChosenPort, ...] = ()
    """Those of the two name servers (UDP), which know what `manage.py demo_dns` tells them."""
    oauth_secret: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)
    """The public integration's secret: another one in each run, told to the sandbox and the console."""

    @property
    def sandbox_url(self) -> str:
        """Where the sandbox answers in place of Notion."""
        return f"http://{LOOPBACK}:{self.sandbox.number}"

    @property
    def resolvers(self) -> list[str]:
        """The name servers as they are configured."""
        return [f"{LOOPBACK}:{each.number}" for each in self.name_servers]

    @property
    def notices(self) -> list[str]:
        """What to say about ports that were busy."""
        return [notice for notice in (self.web.notice, self.sandbox.notice) if notice]

    def environment(self) -> dict[str, str]:
        """Return the variables by which a process of the demo differs from an ordinary one."""
        return {
            "NOTION_BASE_URL": self.sandbox_url,
            "NOTION_OAUTH_CLIENT_ID": OAUTH_CLIENT_ID,
            "NOTION_OAUTH_CLIENT_SECRET": self.oauth_secret,
            "OUTBOUND_ALLOWED_PRIVATE_HOSTS": LOOPBACK,
            "PUBLIC_PORT": str(self.web.number),
            "SIGN_UPS": "open",
            "DNS_RESOLVERS": ",".join(self.resolvers),
            "SYNC_POLL_SECONDS": str(POLL_SECONDS),
            "PYTHONUNBUFFERED": "1",
        }

    def for_children(self, inherited: Mapping[str, str] | None = None) -> dict[str, str]:
        """Return the whole environment of a process the demo starts."""
        path = os.pathsep.join([str(os.path.dirname(sys.executable)), os.environ.get("PATH", "")])  # noqa: PTH120
        return {**(os.environ if inherited is None else inherited), **self.environment(), "PATH": path}

    def take_effect(self) -> None:
        """Point this process, whose settings were read before the ports were chosen, to the same places."""
        settings.NOTION_BASE_URL = self.sandbox_url
        settings.NOTION_OAUTH_CLIENT_ID = OAUTH_CLIENT_ID
        settings.NOTION_OAUTH_CLIENT_SECRET = self.oauth_secret
        settings.OUTBOUND_ALLOWED_PRIVATE_HOSTS = [LOOPBACK]
        settings.PUBLIC_PORT = self.web.number
        settings.DNS_RESOLVERS = self.resolvers
        settings.SYNC_POLL_SECONDS = POLL_SECONDS


def choose_addresses(*, web: int = WEB_PORT, sandbox: int = SANDBOX_PORT) -> Addresses:
    """Choose free ports, the usual ones if possible. Raises: Conflict."""
    web_port = choose_port("console", web)
    sandbox_port = choose_port("Notion sandbox", sandbox, taken={web_port.number})
    taken = {web_port.number, sandbox_port.number}
    name_servers = []
    for wanted in NAME_SERVER_PORTS:
        name_servers.append(choose_port("name server", wanted, taken=taken, by_datagrams=True))
        taken.add(name_servers[-1].number)
    return Addresses(web_port, sandbox_port, tuple(name_servers))
