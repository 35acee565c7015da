"""What is assumed rather than measured: how AWS behaves, and its prices.

None of this was measured here; `docs/howto/deploy.md` lists it among what only a real account can prove.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Behaviour:
    """Times in seconds. Ranges are drawn from evenly.

    metric_period, metric_delay: SQS and Container Insights publish each minute; an alarm sees what is a minute old.
    high_periods, low_periods: Application Auto Scaling's own alarms for target tracking ask for 3 minutes above the
        target before they scale out, and 15 below nine tenths of it before they scale in (the alarms it creates).
    fargate_start: from the order to a worker that takes messages: image pull of some hundred MB, start, health check.
    instance_start: a GPU instance of EC2 from the order to the task on it, the image's pull included.
    warm_instance_start: a task on an instance that is still there, the image on its disk.
    counts_running: divide the backlog by the tasks that run, not by those that are wanted; only to compare.
    instance_tail: how long ECS keeps an idle instance before the capacity provider gives it back.
    """

    metric_period: float = 60.0
    metric_delay: float = 60.0
    high_periods: int = 3
    low_periods: int = 15
    low_share: float = 0.9
    fargate_start: tuple[float, float] = (30.0, 60.0)
    instance_start: tuple[float, float] = (120.0, 240.0)
    warm_instance_start: tuple[float, float] = (15.0, 30.0)
    instance_tail: float = 900.0
    counts_running: bool = False


@dataclass(frozen=True)
class Prices:
    """List prices in us-east-1, US dollars, as known in November 2026; check them before you rely on them."""

    fargate_core_hour: float = 0.04048
    fargate_gib_hour: float = 0.004445
    fargate_spot_share: float = 0.3
    """What spot costs of the full price; it moves."""
    gpu_instance_hour: float = 0.8048
    """g6.xlarge, on demand."""
    gpu_spot_share: float = 0.4
    polly_neural_character: float = 16.0 / 1_000_000


def task_hour(cores: float, memory_gib: float, *, gpu: bool, spot_share: float, prices: Prices) -> float:
    """Dollars for a task's hour, with that share of the tasks on spot."""
    if gpu:
        full, spot = prices.gpu_instance_hour, prices.gpu_spot_share
    else:
        full = cores * prices.fargate_core_hour + memory_gib * prices.fargate_gib_hour
        spot = prices.fargate_spot_share
    return full * (1 - spot_share * (1 - spot))
