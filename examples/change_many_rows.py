"""Changes sixty rows of a database in the demo's Notion sandbox at once, as one of its people: see what the brake does.

Needs nothing but Python: `python examples/change_many_rows.py [--sandbox http://127.0.0.1:8790] [--rows 60]`.
"""

import argparse
import json
import sys
import urllib.request
from typing import Any

TOKEN = "ntn_sandbox_acme_hq"  # noqa: S105 (an invented workspace)
TITLE = "Engineering & IT"


def call(base: str, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    """One call of the sandbox's API or of its control paths. Raises: OSError (nobody answers, or a refusal)."""
    headers = {
        "Authorization": f"Bearer {TOKEN}",
        "Notion-Version": "2026-03-11",
        "Content-Type": "application/json",
    }
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(base + path, method=method, data=data, headers=headers)  # noqa: S310
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 (this machine)
        read: dict[str, Any] = json.load(answer)
        return read


def main() -> None:
    """Add an hour to the estimate of the first rows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--sandbox", default="http://127.0.0.1:8790", help="where the demo said the sandbox is"
    )
    parser.add_argument("--rows", type=int, default=60, help="how many rows to change, 100 at most")
    options = parser.parse_args()
    only = {"filter": {"property": "object", "value": "data_source"}}
    found = call(options.sandbox, "POST", "/v1/search", only)["results"]
    source = next(one for one in found if "".join(run["plain_text"] for run in one["title"]) == TITLE)
    column = next(name for name, one in source["properties"].items() if one["type"] == "number")
    people = call(options.sandbox, "GET", "/v1/users")["results"]
    person = next(one["id"] for one in people if one["type"] == "person")
    asked = {"page_size": min(options.rows, 100)}
    rows = call(options.sandbox, "POST", f"/v1/data_sources/{source['id']}/query", asked)["results"]
    for row in rows:
        value = {"number": (row["properties"][column]["number"] or 0) + 1}
        edit = {"page_id": row["id"], "as": person, "patch": {"properties": {column: value}}}
        call(options.sandbox, "POST", "/_sandbox/edit", edit)
    sys.stdout.write(f"{len(rows)} rows of {TITLE} have an hour more. The brake asks within seconds.\n")


if __name__ == "__main__":
    main()
