"""The manifests of k8s/: they render, they are valid, and what the house promises of every pod holds."""

import re
import subprocess
from pathlib import Path

import pytest
import yaml
from django.conf import settings

from config.env import Environment
from tests.architecture.rendered import (
    OVERLAY,
    SCRIPTS,
    Manifest,
    Workload,
    manifests,
    mebibytes,
    named,
    of_kind,
    rendered_text,
    selects,
    workload,
    workloads,
)
from tests.architecture.tree import ROOT, files

NAMESPACE = "notion-task-sync"
DEPLOYMENTS = ("web", "worker", "platform-worker", "dispatcher")
# It runs one of PostgreSQL's programs, once, and knows one role.
RECEIVER = "wal-receiver"
# Read by Django itself, not by config/env.py.
NOT_IN_OUR_ENVIRONMENT = {"DJANGO_SETTINGS_MODULE"}
POSTGRES_MAX_CONNECTIONS = 250
DATABASES_ON_ONE_SERVER = 2  # the control plane and one cell

every_workload = pytest.mark.parametrize("name", [*DEPLOYMENTS, "prepare", RECEIVER])
every_deployment = pytest.mark.parametrize("name", DEPLOYMENTS)


def test_the_overlay_renders_what_the_house_needs() -> None:
    assert {w.name for w in workloads("Deployment")} == {*DEPLOYMENTS, RECEIVER}
    assert {w.name for w in workloads("Job")} == {"prepare"}
    assert {m["metadata"]["name"] for m in of_kind("Service")} == {"web"}
    assert of_kind("Ingress")


def test_the_manifests_are_valid_and_hold_no_unknown_field(tmp_path: Path) -> None:
    path = tmp_path / "production.yaml"
    path.write_text(rendered_text())
    done = subprocess.run(
        [str(SCRIPTS / "kubernetes-validate"), "--strict", str(path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "WARN" not in done.stdout + done.stderr


def test_the_yaml_is_tidy() -> None:
    done = subprocess.run(
        [str(SCRIPTS / "yamllint"), "--strict", "k8s", ".github"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout


def test_everything_is_in_the_namespace_and_it_is_restricted() -> None:
    outside = [m["kind"] for m in manifests() if m["metadata"].get("namespace") != NAMESPACE]
    assert outside == ["Namespace"]
    labels = named("Namespace", NAMESPACE)["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"


@every_workload
def test_a_container_has_no_rights(name: str) -> None:
    found = workload(name)
    pod, container = found.pod["securityContext"], found.app["securityContext"]
    assert pod["runAsNonRoot"] is True
    assert pod["runAsUser"] > 0
    assert pod["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["allowPrivilegeEscalation"] is False
    assert container["readOnlyRootFilesystem"] is True
    assert container["capabilities"] == {"drop": ["ALL"]}
    assert not {"hostNetwork", "hostPID", "hostIPC"} & found.pod.keys()


@every_workload
def test_a_pod_gets_no_token_of_the_cluster(name: str) -> None:
    found = workload(name)
    assert found.pod["automountServiceAccountToken"] is False
    account = named("ServiceAccount", found.pod["serviceAccountName"])
    assert account["automountServiceAccountToken"] is False


@every_workload
def test_a_pod_says_what_it_needs_and_what_it_may_take(name: str) -> None:
    resources = workload(name).app["resources"]
    assert resources["requests"].keys() >= {"cpu", "memory"}
    # No CPU limit: throttling a process that holds locks hurts everybody; memory has one.
    assert "cpu" not in resources["limits"]
    assert mebibytes(resources["requests"]["memory"]) <= mebibytes(resources["limits"]["memory"])


@every_workload
def test_an_image_has_a_release_and_never_latest(name: str) -> None:
    image = workload(name).app["image"]
    _, separator, tag = image.rpartition(":")
    assert separator
    assert re.fullmatch(r"\d+\.\d+\.\d+(@sha256:[0-9a-f]{64})?", tag), image


@every_deployment
def test_a_deployment_has_probes_and_survives_an_eviction(name: str) -> None:
    found = workload(name)
    assert found.app.keys() >= {"livenessProbe", "readinessProbe"}
    budgets = [b for b in of_kind("PodDisruptionBudget") if selects(b["spec"]["selector"], found.pod_labels)]
    assert [b["metadata"]["name"] for b in budgets] == [name]
    assert budgets[0]["spec"]["unhealthyPodEvictionPolicy"] == "AlwaysAllow"
    assert found.pod["topologySpreadConstraints"]


@every_deployment
def test_more_than_one_pod_runs_so_that_one_may_go(name: str) -> None:
    scalers = [h for h in of_kind("HorizontalPodAutoscaler") if h["spec"]["scaleTargetRef"]["name"] == name]
    spec = workload(name).manifest["spec"]
    if scalers:
        assert "replicas" not in spec, "the autoscaler owns the number; each apply would set it back"
        assert scalers[0]["spec"]["minReplicas"] >= 2
    else:
        assert spec["replicas"] >= 2


def test_alive_is_not_ready() -> None:
    """A database that is away must not restart the web servers."""
    web = workload("web").app
    assert web["livenessProbe"]["httpGet"]["path"] == "/healthz"
    assert web["startupProbe"]["httpGet"]["path"] == "/healthz"
    assert web["readinessProbe"]["httpGet"]["path"] == "/readyz"


def test_the_web_servers_have_time_to_finish() -> None:
    web = workload("web")
    sleep = web.app["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert web.pod["terminationGracePeriodSeconds"] > sleep + int(web.option("graceful-timeout"))
    rolling = web.manifest["spec"]["strategy"]["rollingUpdate"]
    assert rolling["maxUnavailable"] == 0


def test_the_commands_are_those_of_the_house() -> None:
    web = workload("web")
    assert web.command[:2] == ["gunicorn", "config.wsgi:application"]
    assert web.option("worker-class") == "gthread"
    assert "--no-control-socket" in web.command, "it would be written below the read-only home folder"
    assert workload("worker").command[:4] == ["celery", "-A", "config", "worker"]
    queues = [workload(name).option("queues") for name in ("worker", "platform-worker")]
    assert queues == [queue.name for queue in settings.CELERY_TASK_QUEUES]
    assert workload("dispatcher").command[:3] == ["python", "manage.py", "dispatcher"]
    assert workload("prepare").command == ["python", "manage.py", "prepare"]


def test_each_manage_command_exists() -> None:
    commands = {path.stem for path in files() if path.match("*/management/commands/*.py")}
    for found in workloads():
        if "manage.py" in found.command:
            assert found.command[found.command.index("manage.py") + 1] in commands


def test_every_variable_is_one_that_config_reads() -> None:
    known = {name.upper() for name in Environment.model_fields} | NOT_IN_OUR_ENVIRONMENT
    given = {key for config in of_kind("ConfigMap") for key in config["data"]}
    for found in workloads():
        given |= {entry["name"] for entry in found.app["env"]}
    assert given
    assert given <= known, f"config/env.py does not know {given - known}"


def test_what_production_requires_is_given() -> None:
    for found in workloads():
        names = {entry["name"] for entry in found.app["env"]}
        if found.name == RECEIVER:
            assert names == {"BACKUP_URL", "EMBEDDED_SERVICES"}
            assert not found.app.get("envFrom")
        else:
            assert names >= {"DATABASE_URL", "REDIS_URL", "SECRET_KEY", "TOKEN_PEPPER", "KEY_ENCRYPTION_KEY"}


def test_the_settings_are_values_config_accepts(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Environment.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    (config,) = of_kind("ConfigMap")
    for name, value in config["data"].items():
        monkeypatch.setenv(name, value)
    environment = Environment()
    assert environment.public_scheme == "https"
    assert not environment.public_port, "addresses of companies carry no port behind an ingress"
    assert environment.embedded_services is False
    hosts = {rule["host"] for ingress in of_kind("Ingress") for rule in ingress["spec"]["rules"]}
    assert hosts == {f"*.{environment.base_domain}"}


def test_nothing_may_talk_unless_a_policy_says_so() -> None:
    policies = [policy["spec"] for policy in of_kind("NetworkPolicy")]
    closed = [p for p in policies if p["podSelector"] == {} and not p.get("ingress") and not p.get("egress")]
    assert len(closed) == 1
    assert set(closed[0]["policyTypes"]) == {"Ingress", "Egress"}


@every_workload
def test_every_pod_has_policies_of_its_own(name: str) -> None:
    labels = workload(name).pod_labels
    own = [
        p
        for p in of_kind("NetworkPolicy")
        if p["spec"]["podSelector"] and selects(p["spec"]["podSelector"], labels)
    ]
    names = {p["metadata"]["name"] for p in own}
    assert {"all-to-dns", "all-to-postgresql"} <= names
    assert ("processes-to-valkey" in names) is (name in DEPLOYMENTS)
    assert ("platform-worker-to-mail" in names) is (name == "platform-worker")
    reaches_the_internet = "web-and-worker-to-the-internet" in names
    assert reaches_the_internet is (name in {"web", "worker"})
    reached_by = {peer for p in own for peer in origins(p)}
    assert reached_by == {
        "web": {"ingress-nginx", "monitoring"},
        "worker": {"monitoring"},
        "platform-worker": {"monitoring"},
        "dispatcher": {"monitoring"},
    }.get(name, set())


def origins(policy: Manifest) -> set[str]:
    """The namespaces from which a policy lets traffic in."""
    peers = [peer for rule in policy["spec"].get("ingress", []) for peer in rule["from"]]
    return {peer["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"] for peer in peers}


def test_the_way_out_leads_to_no_private_address() -> None:
    spec = named("NetworkPolicy", "web-and-worker-to-the-internet")["spec"]
    excluded = {net for peer in spec["egress"][0]["to"] for net in peer["ipBlock"]["except"]}
    assert {
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "169.254.0.0/16",
        "127.0.0.0/8",
        "fc00::/7",
    } <= excluded


def test_the_selectors_of_services_and_deployments_meet() -> None:
    for found in workloads("Deployment"):
        assert selects(found.manifest["spec"]["selector"], found.pod_labels)
    web = named("Service", "web")["spec"]
    assert selects({"matchLabels": web["selector"]}, workload("web").pod_labels)
    ports = {port["name"] for port in workload("web").app["ports"]}
    assert {port["targetPort"] for port in web["ports"]} <= ports


def test_the_connections_of_all_pods_fit_into_postgresql() -> None:
    """While a release rolls, each Deployment has its surge on top; a few stay free for the Job."""
    web, scaler = workload("web"), named("HorizontalPodAutoscaler", "web")
    per_web_process = int(web.variable("DB_POOL_MAX") or 0)
    assert per_web_process == int(web.option("threads")), "a thread without a connection waits for nothing"
    most = (scaler["spec"]["maxReplicas"] + surge(web)) * int(web.option("workers")) * per_web_process
    worker, dispatcher = workload("worker"), workload("dispatcher")
    # A running job has a second connection for its heartbeat; one of the platform's another two of the owner.
    most += (worker.manifest["spec"]["replicas"] + surge(worker)) * int(worker.option("concurrency")) * 2
    platform = workload("platform-worker")
    most += (
        (platform.manifest["spec"]["replicas"] + surge(platform)) * int(platform.option("concurrency")) * 4
    )
    most += dispatcher.manifest["spec"]["replicas"] + surge(dispatcher)
    assert most * DATABASES_ON_ONE_SERVER + 10 <= POSTGRES_MAX_CONNECTIONS


def test_the_dispatcher_hands_out_enough_to_keep_the_workers_busy() -> None:
    worker = workload("worker")
    slots = worker.manifest["spec"]["replicas"] * int(worker.option("concurrency"))
    (config,) = of_kind("ConfigMap")
    assert slots * 2 <= int(config["data"]["DISPATCH_INFLIGHT_TOTAL"]) <= slots * 8


def test_the_dispatcher_s_probe_looks_at_the_file_the_command_touches() -> None:
    dispatcher = workload("dispatcher")
    path = dispatcher.option("heartbeat-file")
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        assert path in " ".join(dispatcher.app[probe]["exec"]["command"])
    (mount,) = dispatcher.app["volumeMounts"]
    assert path.startswith(mount["mountPath"] + "/"), "the rest of the file system is read-only"


def test_what_is_written_goes_to_a_mounted_folder() -> None:
    web = workload("web")
    mounts = {mount["mountPath"]: mount["name"] for mount in web.app["volumeMounts"]}
    folders = {volume["name"] for volume in web.pod["volumes"] if "emptyDir" in volume}
    assert {
        mounts[web.variable("PROMETHEUS_MULTIPROC_DIR") or ""],
        mounts[web.option("worker-tmp-dir")],
    } <= folders


@pytest.mark.parametrize("name", ["web", "worker", "platform-worker"])
def test_companies_files_and_exports_are_on_a_volume_that_web_and_workers_share(name: str) -> None:
    """A worker writes an export, any web pod hands it out, and both may be gone the next day."""
    found, (config,) = workload(name), of_kind("ConfigMap")
    claims = {
        volume["name"]: named("PersistentVolumeClaim", volume["persistentVolumeClaim"]["claimName"])
        for volume in found.pod["volumes"]
        if "persistentVolumeClaim" in volume
    }
    mounts = {m["mountPath"]: claims[m["name"]] for m in found.app["volumeMounts"] if m["name"] in claims}
    for variable in ("FILES_DIR", "EXPORTS_DIR"):
        holding = [claim for path, claim in mounts.items() if config["data"][variable].startswith(f"{path}/")]
        assert [claim["spec"]["accessModes"] for claim in holding] == [["ReadWriteMany"]], variable


def surge(found: Workload) -> int:
    return int(found.manifest["spec"]["strategy"]["rollingUpdate"]["maxSurge"])


def test_the_deployments_wait_for_the_migrations() -> None:
    """With Argo CD by waves; by hand as k8s/README.md says."""
    wave = "argocd.argoproj.io/sync-wave"
    job = int(workload("prepare").manifest["metadata"]["annotations"][wave])
    for found in map(workload, DEPLOYMENTS):
        assert int(found.manifest["metadata"]["annotations"][wave]) > job
    assert job > 0, "the settings, the accounts and the policies of wave 0 have to be there"


def test_the_image_runs_as_the_user_the_pods_have() -> None:
    text = (ROOT / "Containerfile").read_text()
    user = workload("web").pod["securityContext"]["runAsUser"]
    assert f"USER {user}" in text
    assert "--require-hashes -r requirements.lock" in text


def test_the_overlay_names_every_file_it_has() -> None:
    for folder in (OVERLAY, ROOT / "k8s" / "base"):
        text = (folder / "kustomization.yaml").read_text()
        assert yaml.safe_load(text)["kind"] == "Kustomization"
        for path in folder.rglob("*.yaml"):
            if path.name != "kustomization.yaml":
                assert str(path.relative_to(folder)) in text, f"{path.name} is not used"
