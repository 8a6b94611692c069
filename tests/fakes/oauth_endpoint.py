"""A token endpoint as Notion's is described: codes work once, each refresh makes the pair before it void."""

import base64
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

CLIENT_ID, CLIENT_SECRET = "client-of-tests", "secret-of-tests"

type Json = dict[str, Any]


@dataclass
class OAuthEndpoint:
    """What it has given out; `codes` maps a code to the workspace it opens."""

    codes: dict[str, Json] = field(default_factory=dict)
    refresh_tokens: dict[str, Json] = field(default_factory=dict)
    revoked: list[str] = field(default_factory=list)
    calls: list[Json] = field(default_factory=list)
    #: Answers to give before the right ones: (status, body).
    failures: list[tuple[int, bytes]] = field(default_factory=list)
    #: Called in the middle of a refresh, after the old pair has become void and before the answer.
    on_refresh: Callable[[], None] = lambda: None
    made: int = 0

    def code_for(self, workspace: Json) -> str:
        self.made += 1
        code = f"code-{self.made}"
        self.codes[code] = workspace
        return code

    def answer(self, path: str, authorization: str, body: Json) -> tuple[int, bytes]:
        if not path.startswith("/v1/oauth/"):
            nothing = {"object": "list", "results": [], "has_more": False, "next_cursor": None}
            return 200, json.dumps({**nothing, "type": "page_or_data_source"}).encode()
        self.calls.append({"path": path, **body})
        if self.failures:
            return self.failures.pop(0)
        pair = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
        if authorization != f"Basic {pair}":
            return 401, json.dumps({"error": "invalid_client"}).encode()
        if path == "/v1/oauth/revoke":
            self.revoked.append(str(body["token"]))
            return 200, b"{}"
        held = self.codes if body["grant_type"] == "authorization_code" else self.refresh_tokens
        workspace = held.pop(str(body.get("code") or body.get("refresh_token")), None)
        if workspace is None:
            return 400, json.dumps({"error": "invalid_grant", "error_description": "It is spent."}).encode()
        if body["grant_type"] == "refresh_token":
            self.on_refresh()
        return 200, json.dumps(self._pair(workspace)).encode()

    def _pair(self, workspace: Json) -> Json:
        self.made += 1
        refresh = f"ntn_refresh_{self.made}"
        self.refresh_tokens[refresh] = workspace
        return {
            "token_type": "bearer",
            "access_token": f"ntn_access_{self.made}",
            "refresh_token": refresh,
            "owner": {"type": "user", "user": {"object": "user", "id": "u", "name": "Ola Owner-Example"}},
            "duplicated_template_id": None,
            "workspace_icon": None,
            **workspace,
        }


def workspace(name: str = "Granted Ground", *, bot: str = "bot-1", number: str = "") -> Json:
    """What the token endpoint says of a workspace."""
    return {"bot_id": bot, "workspace_id": number or f"ws-{name}", "workspace_name": name}


@contextmanager
def running_endpoint(endpoint: OAuthEndpoint) -> Iterator[str]:
    """Serve it on loopback until the block ends; gives its base address."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers.get("content-length", "0"))))
            status, text = endpoint.answer(self.path, self.headers.get("authorization", ""), body)
            self.send_response(status)
            self.send_header("content-length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_: Any) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
