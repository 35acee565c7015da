"""The model image as SageMaker starts a training job: `image train`, folders below /opt/ml, an exit status, files."""

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.images.conftest import CONFINED, READ_ONLY, Container, Run, docker

pytestmark = pytest.mark.engine

MakeJob = Callable[..., Path]
MODEL_FILES = {
    "model.safetensors", "config.json", "originality.safetensors", "metrics.json", "loss.png", "MODEL_CARD.md",
    "evaluation.json",
}  # fmt: skip


@pytest.mark.parametrize(
    "options",
    [(*READ_ONLY, "--user", "0:0"), CONFINED, (*CONFINED, "--network", "none")],
    ids=["as-root", "as-10001", "without-a-network"],
)
def test_a_training_completes_on_a_read_only_root_file_system(
    run: Run, make_job: MakeJob, options: tuple[str, ...]
) -> None:
    root = make_job("job", max_steps="8", id='"quoted by SDK 3"')
    container = run("train", root=root, options=options)
    assert container.wait() == 0, container.logs()
    assert {path.name for path in (root / "model").iterdir()} == MODEL_FILES
    assert {path.name for path in (root / "output" / "data").iterdir()} == {
        "metrics.json", "loss.png", "evaluation.json", "samples",
    }  # fmt: skip
    assert not (root / "output" / "failure").exists()
    assert json.loads((root / "model" / "config.json").read_text())["id"] == "quoted by SDK 3"
    assert "[metrics] step=8 " in container.logs()
    assert (root / "checkpoints" / "checkpoint.safetensors").is_file()


def test_a_bad_hyperparameter_is_reported_as_the_failure(run: Run, make_job: MakeJob) -> None:
    root = make_job("job", hiden="8")
    container = run("train", root=root, options=CONFINED)
    assert container.wait() == 1
    assert (root / "output" / "failure").read_text().startswith("unknown hyperparameter 'hiden'; those of the ")
    assert not list((root / "model").iterdir())


def test_bad_data_is_reported_as_the_failure(run: Run, make_job: MakeJob) -> None:
    root = make_job("job")
    (root / "input" / "data" / "training" / "pieces.parquet").unlink()
    container = run("train", root=root, options=CONFINED)
    assert container.wait() == 1
    assert "it is not a Bandmate dataset" in (root / "output" / "failure").read_text()
    assert "Traceback" not in container.logs()


def test_sigterm_writes_a_checkpoint_and_the_next_start_resumes(run: Run, make_job: MakeJob) -> None:
    root = make_job("job", max_steps="100000")
    container = run("train", root=root, options=CONFINED)
    container.wait_for_log("[metrics] step=4 ")
    started = time.monotonic()
    container.signal("TERM")
    assert container.wait() == 0, container.logs()
    assert time.monotonic() - started < 120, "SageMaker kills it after 120 s"
    assert not list((root / "model").iterdir()), "a stopped job has no model"
    again = run("train", root=root, options=CONFINED)
    again.wait_for_log("[metrics] step=")
    assert "resuming at step" in again.logs()


def test_sigterm_is_handled_during_start_up(run: Run, make_job: MakeJob) -> None:
    """While torch is being imported, too: as process 1 of a container, Python would ignore the signal."""
    container = run("train", root=make_job("job", max_steps="100000"), options=CONFINED)
    time.sleep(0.5)  # To be in the middle of the import, which nothing announces.
    container.signal("TERM")
    assert container.wait(60) == 0, container.logs()
    assert "step=20 " not in container.logs()


def test_without_a_command_it_trains_a_job_or_prints_the_usage(run: Run, make_job: MakeJob) -> None:
    """SageMaker's SDK starts a local training without the command `train`."""
    container = run(root=make_job("job", max_steps="4"), options=CONFINED)
    assert container.wait() == 0, container.logs()
    assert "[metrics] step=4 " in container.logs()
    without_job = run(options=CONFINED)
    assert without_job.wait() == 2
    assert without_job.logs().startswith("usage: ")


def two_hosts(run: Run, make_job: MakeJob, network: str, **hyperparameters: str) -> tuple[list[Path], list[Container]]:
    hosts = ["algo-1", "algo-2"]
    roots = [make_job(host, hosts, host, **hyperparameters) for host in hosts]
    containers = []
    for host, root in reversed(list(zip(hosts, roots, strict=True))):  # The leader comes last.
        options = (*CONFINED, "--network", network, "--network-alias", host, "--hostname", host)
        containers.insert(0, run("train", root=root, options=options))
    return roots, containers


def test_two_containers_train_one_model(run: Run, make_job: MakeJob, network: str) -> None:
    alone = make_job("alone", max_steps="12")
    single = run("train", root=alone, options=CONFINED)
    roots, containers = two_hosts(run, make_job, network, max_steps="12")
    assert [container.wait() for container in containers] == [0, 0], [container.logs() for container in containers]
    assert single.wait() == 0
    assert {path.name for path in (roots[0] / "model").iterdir()} == MODEL_FILES
    assert not list((roots[1] / "model").iterdir())
    losses = [json.loads((root / "model" / "metrics.json").read_text())["valid_loss"] for root in (roots[0], alone)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-3)


def test_sigterm_stops_both_containers_in_order(run: Run, make_job: MakeJob, network: str) -> None:
    roots, containers = two_hosts(run, make_job, network, max_steps="100000")
    containers[0].wait_for_log("[metrics] step=4 ")
    for container in containers:
        container.signal("TERM")
    assert [container.wait() for container in containers] == [0, 0], [container.logs() for container in containers]
    assert (roots[0] / "checkpoints" / "checkpoint.safetensors").is_file()
    assert not list((roots[1] / "checkpoints").iterdir()), "one host writes"


def test_a_container_that_dies_fails_the_other_with_a_reason(run: Run, make_job: MakeJob, network: str) -> None:
    roots, containers = two_hosts(run, make_job, network, max_steps="100000")
    containers[0].wait_for_log("[metrics] step=4 ")
    containers[1].signal("KILL")
    assert containers[0].wait(90) == 1, containers[0].logs()
    assert (roots[0] / "output" / "failure").read_text().startswith("algo-1 lost another host of the job")


def test_the_image_has_no_files_below_opt_ml(image: str) -> None:
    listed = docker("run", "--rm", "--entrypoint", "sh", image, "-c", "ls -d /opt/ml || echo none")
    assert listed.startswith("none")
    config = json.loads(docker("inspect", image))[0]["Config"]
    assert config["Entrypoint"] == ["python", "-m", "bandmate_model"]
    assert config["User"] == "10001:10001"
    assert not config["Cmd"]
