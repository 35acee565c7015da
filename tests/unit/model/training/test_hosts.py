"""Distributed training with gloo: two hosts (processes under two names of the loopback interface), and torchrun."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from bandmate_model.training.distributed import ManyHosts, destroy_group
from bandmate_model.training.environment import MlFolders
from bandmate_model.training.hosts import Resources
from bandmate_model.training.train import run
from safetensors.torch import load_file
from torch.distributed import HashStore

from tests.support.spawned import Spawn

from .conftest import Never, write_hyperparameters

NAMES = ["127.0.0.1", "127.0.0.2"]


class Job:
    """A training job's folders, one tree a host, and the processes in them."""

    def __init__(self, folder: Path, dataset: Path, hosts: list[str], spawn: Spawn, **hyperparameters: str) -> None:
        self._spawn = spawn
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.roots = []
        for host in hosts:
            root = folder / host
            (root / "input" / "config").mkdir(parents=True)
            (root / "input" / "data").mkdir()
            (root / "input" / "data" / "training").symlink_to(dataset)
            config = {"current_host": host, "hosts": hosts, "network_interface_name": "lo"}
            (root / "input" / "config" / "resourceconfig.json").write_text(json.dumps(config))
            self.roots.append(root)
        self.write(**hyperparameters)

    def write(self, **hyperparameters: str) -> None:
        for root in self.roots:
            write_hyperparameters(root, **hyperparameters)

    def start(self, number: int, **settings: str) -> "subprocess.Popen[str]":
        environment = os.environ | {
            "BANDMATE_ML_ROOT": str(self.roots[number]),
            "BANDMATE_HOSTS_PORT": str(self.port),
            "BANDMATE_HOSTS_START_SECONDS": "120",
            "BANDMATE_HOSTS_SILENCE_SECONDS": "60",
        }
        command = [sys.executable, "-u", "-m", "bandmate_model", "train"]
        return self._spawn(command, env=environment | settings, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def failure(self, number: int) -> str:
        return (self.roots[number] / "output" / "failure").read_text()


MakeJob = Callable[..., Job]


@pytest.fixture
def job(tmp_path: Path, dataset: Path, spawn: Spawn) -> MakeJob:
    def make(name: str, hosts: list[str] | None = None, **hyperparameters: str) -> Job:
        return Job(tmp_path / name, dataset, hosts or NAMES, spawn, **hyperparameters)

    return make


def until(process: "subprocess.Popen[str]", beginning: str) -> str:
    """Read the process's lines to the first that begins so."""
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line)
        if line.startswith(beginning):
            return "".join(lines)
    pytest.fail(f"no line {beginning!r} in: {''.join(lines)}")


def weights(root: Path) -> dict[str, np.ndarray]:
    stored = load_file(root / "checkpoints" / "best.safetensors")
    return {name: tensor.numpy() for name, tensor in stored.items()}


def losses(root: Path) -> list[float]:
    from bandmate_model.training import checkpoint

    return [row["train_loss"] for row in checkpoint.history(root / "checkpoints")]


def test_two_hosts_learn_what_one_does(job: MakeJob) -> None:
    alone = job("alone", ["127.0.0.1"], max_steps="12")
    run(MlFolders(alone.roots[0]), Never())
    both = job("both", max_steps="12")
    processes = [both.start(number) for number in (1, 0)]  # The second host is there before the first.
    outputs = [process.communicate(timeout=120)[0] for process in processes]
    assert [process.returncode for process in processes] == [0, 0], outputs
    assert "[metrics] step=12" in outputs[1]
    assert "[metrics]" not in outputs[0], "metrics are printed once"
    first, second = both.roots
    assert not (second / "model").exists(), "the first host writes"
    assert not (second / "checkpoints").exists()
    assert losses(first) == pytest.approx(losses(alone.roots[0]), rel=1e-4)
    pair_weights, single_weights = weights(first), weights(alone.roots[0])
    for name, array in pair_weights.items():
        np.testing.assert_allclose(array, single_weights[name], atol=2e-3, err_msg=name)
    metrics = [json.loads((root / "model" / "metrics.json").read_text()) for root in (first, alone.roots[0])]
    assert metrics[0]["valid_loss"] == pytest.approx(metrics[1]["valid_loss"], rel=1e-3)


def torchrun(spawn: Spawn, root: Path, *arguments: str) -> "subprocess.Popen[str]":
    """Two processes on this machine, in one job's folders."""
    environment = os.environ | {"BANDMATE_ML_ROOT": str(root), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", *arguments]
    command += ["-m", "bandmate_model", "train"]
    return spawn(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def test_two_processes_of_torchrun_learn_what_one_does(job: MakeJob, spawn: Spawn) -> None:
    alone, both = (job(name, ["127.0.0.1"], max_steps="12") for name in ("alone", "both"))
    (both.roots[0] / "input" / "config" / "resourceconfig.json").unlink()
    process = torchrun(spawn, both.roots[0])
    output = process.communicate(timeout=200)[0]
    assert process.returncode == 0, output
    assert output.count("[metrics] step=12 ") == 1, "metrics are printed once"
    run(MlFolders(alone.roots[0]), Never())
    pair_losses, single_losses = losses(both.roots[0]), losses(alone.roots[0])
    assert len(pair_losses) == 6
    assert pair_losses == pytest.approx(single_losses, rel=1e-4)
    for name, array in weights(both.roots[0]).items():
        np.testing.assert_allclose(array, weights(alone.roots[0])[name], atol=2e-3, err_msg=name)
    assert (both.roots[0] / "model" / "config.json").is_file()


def test_the_reason_of_a_process_of_torchrun_reaches_the_failure_file(job: MakeJob, spawn: Spawn) -> None:
    broken = job("broken", ["127.0.0.1"])
    shutil.copytree(broken.roots[0] / "input" / "data" / "training", broken.roots[0] / "tables")
    (broken.roots[0] / "input" / "data" / "training").unlink()
    (broken.roots[0] / "tables").rename(broken.roots[0] / "input" / "data" / "training")
    (broken.roots[0] / "input" / "data" / "training" / "notes.parquet").unlink()
    process = torchrun(spawn, broken.roots[0])
    output = process.communicate(timeout=200)[0]
    assert process.returncode == 1, output
    assert broken.failure(0) == "the training channel holds no notes.parquet: it is not a Bandmate dataset"


def test_what_torchrun_says_comes_before_what_sagemaker_says(tmp_path: Path) -> None:
    path = tmp_path / "resourceconfig.json"
    path.write_text('{"hosts": ["algo-1", "algo-2"], "current_host": "algo-2"}')
    variables = {
        "RANK": "3",
        "WORLD_SIZE": "4",
        "LOCAL_RANK": "1",
        "GROUP_RANK": "1",
        "MASTER_ADDR": "algo-1",
        "MASTER_PORT": "29500",
        "TORCHELASTIC_USE_AGENT_STORE": "True",
        "TORCHELASTIC_RESTART_COUNT": "2",
    }
    resources = Resources.read(path, variables)
    assert (resources.rank, len(resources.hosts), resources.local_rank, resources.machine) == (3, 4, 1, "1")
    assert (resources.address, resources.port, resources.has_store, resources.attempt) == ("algo-1", 29500, True, "2")
    assert Resources.read(path, {}).rank == 1
    for changed in ({"RANK": "4"}, {"WORLD_SIZE": "many"}, {"MASTER_PORT": ""}, {"LOCAL_RANK": "-1"}):
        with pytest.raises(ValueError, match="RANK"):
            Resources.read(path, variables | changed)


def test_a_stop_on_either_host_stops_both_and_they_go_on_as_if_nothing_had_been(job: MakeJob) -> None:
    straight = job("straight", max_steps="30", evaluate_steps="15", dropout="0.2")
    for process in [straight.start(number) for number in (0, 1)]:
        output = process.communicate(timeout=120)[0]
        assert process.returncode == 0, output
    stopped = job("stopped", max_steps="30", evaluate_steps="15", dropout="0.2")
    first, second = (stopped.start(number) for number in (0, 1))
    until(first, "[metrics] step=4 ")
    second.send_signal(signal.SIGTERM)
    outputs = [process.communicate(timeout=120)[0] for process in (first, second)]
    assert (first.returncode, second.returncode) == (0, 0), outputs
    assert all("the checkpoint is written" in output for output in outputs)
    assert not (stopped.roots[0] / "model").exists()
    restarted = [stopped.start(number) for number in (0, 1)]
    outputs = [process.communicate(timeout=120)[0] for process in restarted]
    assert [process.returncode for process in restarted] == [0, 0], outputs
    assert all("resuming at step" in output for output in outputs)
    paths = [job_.roots[0] / "model" / "model.safetensors" for job_ in (straight, stopped)]
    assert paths[0].read_bytes() == paths[1].read_bytes()


@pytest.mark.parametrize("victim", [0, 1])
def test_the_death_of_a_host_ends_the_other_readably_and_soon(job: MakeJob, victim: int) -> None:
    both = job("both", max_steps="100000")
    processes = [both.start(number) for number in (0, 1)]
    until(processes[0], "[metrics] step=4 ")
    processes[victim].kill()
    killed = time.monotonic()
    other = 1 - victim
    output = processes[other].communicate(timeout=120)[0]
    assert time.monotonic() - killed < 60
    assert processes[other].returncode == 1, output
    assert both.failure(other).startswith(f"{NAMES[other]} lost another host of the job (127.0.0.1, 127.0.0.2)")


def test_a_host_that_stops_answering_is_detected(job: MakeJob) -> None:
    both = job("both", max_steps="100000")
    processes = [both.start(number, BANDMATE_HOSTS_SILENCE_SECONDS="8") for number in (0, 1)]
    until(processes[0], "[metrics] step=4 ")
    processes[1].send_signal(signal.SIGSTOP)
    output = processes[0].communicate(timeout=90)[0]
    assert processes[0].returncode == 1, output
    assert "silent for too long" in both.failure(0)


@pytest.mark.parametrize(
    ("hosts", "reason"),
    [
        (NAMES, "127.0.0.2 has not come"),
        (["127.0.0.1", "algo-2.invalid"], "the name algo-2.invalid is not known"),
    ],
)
def test_a_host_that_never_comes_is_named(job: MakeJob, hosts: list[str], reason: str) -> None:
    missing = job("missing", hosts)
    process = missing.start(0, BANDMATE_HOSTS_START_SECONDS="0.5")
    output = process.communicate(timeout=120)[0]
    assert process.returncode == 1, output
    assert missing.failure(0) == f"the hosts of the job did not find each other: {reason}"


def test_waiting_for_hosts_can_be_stopped(job: MakeJob) -> None:
    lonely = job("lonely")
    process = lonely.start(0)
    deadline = time.monotonic() + 30
    while True:
        try:
            socket.create_connection(("127.0.0.1", lonely.port), 1).close()
            break
        except OSError:
            assert time.monotonic() < deadline, "the first host does not listen"
            time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    output = process.communicate(timeout=90)[0]
    assert (process.returncode, output) == (0, "stopped before the first step\n")


def test_a_run_that_ends_well_leaves_no_thread_of_gloo_to_the_end_of_the_interpreter() -> None:
    """A thread that releases its work then, which needs the interpreter's lock, sometimes aborts the process."""

    def gloo() -> list[str]:
        names = [(task / "comm").read_text() for task in Path("/proc/self/task").iterdir()]
        return [name for name in names if "gloo" in name]

    hosts = ManyHosts(Resources(("127.0.0.1",), "127.0.0.1"), HashStore(), 10.0)
    assert hosts.any(True)
    assert gloo(), "this test does not know their names"
    destroy_group()
    assert gloo() == []


def test_more_hosts_than_lanes_is_refused(job: MakeJob) -> None:
    crowded = job("crowded", ["a", "b", "c"], streams="2")
    with pytest.raises(ValueError, match="streams=2 cannot be shared by 3 hosts"):
        run(MlFolders(crowded.roots[0]), Never())


@pytest.mark.parametrize(
    "content",
    [
        "[]",
        "{",
        '{"hosts": ["a"]}',
        '{"hosts": ["a"], "current_host": "b"}',
        '{"hosts": ["a", "a"], "current_host": "a"}',
    ],
)
def test_a_bad_resourceconfig_is_reported(tmp_path: Path, content: str) -> None:
    path = tmp_path / "resourceconfig.json"
    path.write_text(content)
    with pytest.raises(ValueError, match=r"resourceconfig\.json"):
        Resources.read(path)
