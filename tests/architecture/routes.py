"""The routes of the product and the table of who may use which."""

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from django.urls import URLPattern, URLResolver, get_resolver

TABLE = tomllib.loads(Path(__file__).with_name("routes.toml").read_text())


@dataclass(frozen=True)
class Route:
    """One route of the table with the names of its arguments."""

    name: str
    door: str
    arguments: tuple[str, ...]
    methods: dict[str, str]


def door_of(path: str) -> str:
    """Which door an address belongs to."""
    return next((door for door in ("api", "scim") if path.startswith(f"{door}/")), "console")


def routes_of_the_product() -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """(name, door, argument names) of every route the resolver knows."""

    def walk(
        patterns: list[URLPattern | URLResolver], prefix: str, space: str, names: tuple[str, ...]
    ) -> Iterator[tuple[str, str, tuple[str, ...]]]:
        for entry in patterns:
            found = (*names, *entry.pattern.regex.groupindex)
            text = prefix + str(entry.pattern)
            if isinstance(entry, URLResolver):
                inner = f"{space}{entry.namespace}:" if entry.namespace else space
                yield from walk(entry.url_patterns, text, inner, found)
            else:
                yield f"{space}{entry.name}", door_of(text), found

    yield from walk(get_resolver().url_patterns, "", "", ())


KNOWN = {name: (door, arguments) for name, door, arguments in routes_of_the_product()}
ROUTES = [
    Route(name, door, KNOWN[name][1], methods)
    for door in ("api", "console")
    for name, methods in TABLE[door].items()
    if name in KNOWN
]
CASES = [(route, method) for route in ROUTES for method in route.methods]
