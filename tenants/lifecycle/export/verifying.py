"""Whether an export's ZIP holds exactly what its manifest lists; it asks no database."""

import hashlib
import zipfile
from collections.abc import Iterable, Mapping
from typing import Any, Final

MANIFEST: Final = "manifest.json"
_BLOCK: Final = 1 << 20


def differences(opened: zipfile.ZipFile, listed: Iterable[Mapping[str, Any]]) -> list[str]:
    """What differs, a sentence each: files that are missing, changed, or in the ZIP and not in the list.

    ``listed`` are the manifest's ``files``: objects with ``path``, ``bytes`` and ``sha256`` (hexadecimal).
    """
    found: list[str] = []
    names = opened.namelist()
    expected = {str(entry["path"]): entry for entry in listed}
    found += [f"{name} is missing." for name in expected if name not in names]
    found += [
        f"{name} is not in the manifest." for name in names if name not in expected and name != MANIFEST
    ]
    found += [f"{name} is there twice." for name in sorted(set(names)) if names.count(name) > 1]
    return found + [
        f"{name} was changed." for name in names if name in expected and _is_other(opened, expected[name])
    ]


def _is_other(opened: zipfile.ZipFile, entry: Mapping[str, Any]) -> bool:
    digest, length = hashlib.sha256(), 0
    try:
        with opened.open(str(entry["path"])) as file:
            while block := file.read(_BLOCK):
                digest.update(block)
                length += len(block)
    except zipfile.BadZipFile:
        return True
    return (length, digest.hexdigest()) != (entry["bytes"], entry["sha256"])
