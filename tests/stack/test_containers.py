"""The privileges of each container, checked from inside it."""

import json

import pytest

from tests.stack.stack import Stack, eventually

SERVICES = [
    *(f"{name}-{role}" for name in ("ingest", "train", "generate", "vocal") for role in ("api", "worker")),
    "generate-intake",
    "generate-webhooks",
    "studio",
]
WITH_TORCH = {"train-worker", "model"}
PYTHON = {"train-worker": "/opt/bandmate-train/bin/python"}
PROBE = """
import importlib.util, json, os, shutil
def writable(path):
    try:
        open(os.path.join(path, ".probe"), "w").close()
        os.unlink(os.path.join(path, ".probe"))
        return True
    except OSError as error:
        return error.strerror
status = dict(line.split(":", 1) for line in open("/proc/self/status").read().splitlines())
print(json.dumps({
    "uid": os.getuid(), "gid": os.getgid(),
    "root": writable("/"), "code": writable("/opt/bandmate"), "tmp": writable("/tmp"),
    "capabilities": int(status["CapEff"], 16) | int(status["CapBnd"], 16),
    "no_new_privileges": status["NoNewPrivs"].strip(),
    "torch": importlib.util.find_spec("torch") is not None,
    "tools": [name for name in ("gcc", "cc", "make") if shutil.which(name)],
    "pip": importlib.util.find_spec("pip") is not None,
}))
"""


@pytest.mark.parametrize("service", [*SERVICES, "model"])
def test_a_container_runs_unprivileged_on_a_read_only_root(stack: Stack, service: str) -> None:
    process = json.loads(stack.execute(service, PYTHON.get(service, "python"), "-", stdin=PROBE))
    assert (process["uid"], process["gid"]) == (10001, 10001)
    assert process["root"] == process["code"] == "Read-only file system"
    assert process["tmp"] is True
    assert process["capabilities"] == 0
    assert process["no_new_privileges"] == "1"
    assert process["tools"] == []
    assert process["pip"] is False
    assert process["torch"] is (service == "model")


@pytest.mark.parametrize("service", [*SERVICES, "model", "postgres", "redis", "s3"])
def test_a_container_is_healthy(stack: Stack, service: str) -> None:
    container = stack.containers(service)[0]

    def health() -> str:
        return stack.docker("inspect", "-f", "{{.State.Health.Status}}", container).strip()

    eventually(lambda: health() == "healthy", f"{service} to be healthy", 40)


def test_only_the_gateway_is_reachable_from_outside(stack: Stack) -> None:
    listed = stack.docker(
        "ps", "--filter", f"label=com.docker.compose.project={stack.project}", "--format", "{{.Ports}}"
    )
    published = [part.strip() for line in listed.splitlines() for part in line.split(",") if "->" in part]
    assert published == [f"127.0.0.1:{stack.port}->8080/tcp"]


def test_no_secret_is_in_the_images(stack: Stack) -> None:
    for service in SERVICES:
        container = stack.containers(service)[0]
        image = stack.docker("inspect", "-f", "{{.Image}}", container).strip()
        environment = json.loads(stack.docker("image", "inspect", "-f", "{{json .Config.Env}}", image))
        assert not [
            variable for variable in environment if any(word in variable for word in ("PASSWORD", "PEPPER", "SECRET"))
        ]
