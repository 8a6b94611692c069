"""Who gets which secret in the cluster, and what the backups are given."""

import re
from pathlib import Path

from django.conf import settings

from tenants.backups.servers import MAIN
from tests.architecture.rendered import named, of_kind, workload, workloads

RECEIVER = "wal-receiver"
# Who may change schemas.
WITH_OWNER = {"prepare", "platform-worker"}
OWNERS_SECRET = "notion-task-sync-owner"


def test_no_manifest_holds_a_secret() -> None:
    assert not of_kind("Secret")
    for found in workloads():
        for entry in found.app["env"]:
            if re.search(r"SECRET|KEY|PEPPER|PASSWORD|TOKEN|_URL$|^CELLS$", entry["name"]):
                assert "secretKeyRef" in entry.get("valueFrom", {}), entry["name"]


def test_the_superuser_is_known_to_the_preparation_alone_and_kept_apart() -> None:
    for found in workloads():
        given = [entry for entry in found.app["env"] if entry["name"] == "DATABASE_ADMIN_URL"]
        if found.name == "prepare":
            assert given[0]["valueFrom"]["secretKeyRef"]["name"] == "notion-task-sync-admin"
        else:
            assert not given
            sources = [
                entry.get("valueFrom", {}).get("secretKeyRef", {}).get("name") for entry in found.app["env"]
            ]
            assert "notion-task-sync-admin" not in sources


def test_only_who_makes_schemas_gets_the_owner_and_only_the_backups_who_may_back_up() -> None:
    for found in workloads():
        given = {
            entry["name"]: entry["valueFrom"]["secretKeyRef"]["name"]
            for entry in found.app["env"]
            if "secretKeyRef" in entry.get("valueFrom", {})
        }
        if found.name in WITH_OWNER:
            assert given["DATABASE_OWNER_URL"] == given["CELLS"] == OWNERS_SECRET
        elif found.name == RECEIVER:
            assert given == {"BACKUP_URL": OWNERS_SECRET}
        else:
            assert not {"DATABASE_OWNER_URL", "BACKUP_URL", "TEMPLATE_DATABASE_URL"} & given.keys(), (
                found.name
            )
            assert OWNERS_SECRET not in given.values(), found.name


def test_the_backups_have_what_they_need() -> None:
    """A repository and a spool that both platform workers reach, and somebody who fills the spool."""
    (config,) = of_kind("ConfigMap")
    worker, receiver = workload("platform-worker"), workload(RECEIVER)
    volumes = {volume["name"]: volume for volume in worker.pod["volumes"]}
    mounts = {mount["mountPath"]: mount["name"] for mount in worker.app["volumeMounts"]}
    for variable in ("BACKUP_DIR", "BACKUP_WAL_DIR"):
        (name,) = [
            name for path, name in mounts.items() if f"{config['data'][variable]}/".startswith(f"{path}/")
        ]
        claim = named("PersistentVolumeClaim", volumes[name]["persistentVolumeClaim"]["claimName"])
        assert claim["spec"]["accessModes"] == ["ReadWriteMany"], variable
    assert "emptyDir" in volumes[mounts[config["data"]["BACKUP_SCRATCH_DIR"]]]
    spool = config["data"]["BACKUP_WAL_DIR"]
    assert {mount["mountPath"]: mount["name"] for mount in receiver.app["volumeMounts"]} == {
        spool: mounts[spool]
    }
    assert f"--directory={spool}/{MAIN} " in receiver.command[-1]
    assert receiver.manifest["spec"]["replicas"] == 1, "a slot has one reader"
    assert receiver.manifest["spec"]["strategy"] == {"type": "Recreate"}
    assert (Path(settings.POSTGRES_BIN) / "pg_receivewal").exists()
