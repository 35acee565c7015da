"""The training job: prepare → train → evaluate → register.

A killed worker loses nothing but time: the next attempt of the same job finds the checkpoints, and a model that was
already registered is found and not made twice.
"""

import json
import time
from collections.abc import Mapping, Sequence

from bandmate_shared.contracts.trainings import ModelManifest, TrainingRequest
from bandmate_shared.errors import Cancelled, InvalidRequest
from bandmate_shared.jobs.execution.context import Done, JobContext
from bandmate_shared.registry.models import PRODUCTION, fetch_model, resolve_model

from bandmate_train.datasets import DatasetVersion, find_dataset, materialise
from bandmate_train.models import code_version, refuse_taken, register
from bandmate_train.promotion.compare import PromotionRefused
from bandmate_train.promotion.gate import EVALUATION, Evaluation, evaluate
from bandmate_train.promotion.promote import promote
from bandmate_train.settings import TrainSettings
from bandmate_train.trainers.base import Trainer, TrainingFailed, TrainingPlan, TrainingRun, as_hyperparameters

ARTIFACT_TYPES = {
    ".png": "image/png",
    ".json": "application/json",
    ".md": "text/markdown",
    ".log": "text/plain",
    ".html": "text/html",
}
"""Suffixes of the files in the model folder that become artifacts of the job."""

LAST_GOOD = "last-good"
"""Folder in the output of a failed training with its best weights so far. They are registered as a model with this in
its id, so that another training can start from them."""

_MESSAGES_PER_E_FOLD = 200
"""Progress messages while the running time of a training grows e-fold: about 2,000 in a day."""
_LAST_FRACTION = 0.99
"""Highest fraction until the trainer has ended: after its last step it still writes the model."""


class TrainingHandler:
    """The handler of training jobs."""

    def __init__(self, settings: TrainSettings, trainer: Trainer) -> None:
        self._settings = settings
        self._trainer = trainer

    def __call__(self, context: JobContext) -> Done:
        """Train, evaluate and register a model. After an error that may be retried the trainer's folder is kept.

        Raises UnknownDataset, UnknownModel, Conflict, TrainingFailed, TrainerInterrupted, GateFailed, Cancelled.
        """
        try:
            outcome = self._train(context)
        except (InvalidRequest, Cancelled):
            self._trainer.discard(context.job.id)
            raise
        self._trainer.discard(context.job.id)
        return outcome

    def _train(self, context: JobContext) -> Done:
        job = context.job
        request = TrainingRequest.model_validate(job.request)
        model_id = request.name or f"{request.dataset}-{request.architecture}-{job.id[-10:]}"

        context.stage("prepare", f"fetching the dataset {request.dataset}")
        refuse_taken(context.storage, model_id, job.tenant, job.id)
        dataset = find_dataset(context.storage, request.dataset, request.dataset_version, job.tenant)
        materialise(context.storage, dataset, context.workdir / "dataset")
        initial = resolve_model(context.storage, request.initial, job.tenant) if request.initial is not None else None
        hyperparameters = as_hyperparameters(request.hyperparameters)
        contract = {"architecture": request.architecture, "id": model_id}
        plan = TrainingPlan(
            job.id,
            context.workdir / "dataset",
            {**hyperparameters, **contract},
            fetch_model(context.storage, initial, context.workdir / "initial") if initial is not None else None,
        )

        context.stage("train", f"training {model_id}")
        run = self._trainer.start(plan)
        try:
            _follow(context, run)
        except Cancelled:
            run.stop()
            raise
        except TrainingFailed as error:
            last_good_id = f"{model_id[:90]}-{LAST_GOOD}-{job.id[-10:]}"
            if _register_last_good(context, run, request, last_good_id, dataset):
                raise TrainingFailed(f"{error.detail}, and are the model {last_good_id}") from error
            raise
        finally:
            run.detach()

        context.stage("evaluate", "evaluating the model")
        settings = self._settings
        evaluation = evaluate(run.model, run.output, run.history(), settings.gate_loss_ratio, settings.gate_valid_share)
        _add_artifacts(context, run, evaluation)
        evaluation.require()

        context.stage("register", f"registering {model_id}")
        manifest = register(
            context.storage,
            run.model,
            model_id=model_id,
            architecture=request.architecture,
            dataset=dataset.lineage,
            code_version=code_version(run.model),
            hyperparameters=dict(request.hyperparameters),
            metrics=evaluation.metrics,
            job_id=job.id,
            tenant=job.tenant,
            initial=initial.id if initial is not None else None,
        )
        refusal = None
        if request.promote:
            try:
                promote(context.storage, manifest.id, job.tenant)
            except PromotionRefused as error:
                refusal = error.detail
        result = _result(manifest, dataset, request.promote and refusal is None, refusal)
        return Done(result | {"notes": notes_on(run.history())})


def _follow(context: JobContext, run: TrainingRun) -> None:
    """Report the trainer's output as progress until it has ended. Raises Cancelled within TICK_SECONDS.

    The fraction comes from the trainer's estimate of the time left, and so is right after a resume as well. Messages
    get rarer the longer a training runs, so that a day of training does not fill the job's history.
    """
    started = time.monotonic()
    next_message = 0.0
    fraction, eta = 0.0, None
    last: dict[str, float] = {}
    context.progress(0.0, "starting the trainer")
    for update in run.follow():
        context.check()
        elapsed = time.monotonic() - started
        if update.metrics:
            last |= update.metrics
            eta = update.metrics.get("eta_seconds")
        if eta is not None:
            fraction = max(fraction, min(elapsed / max(elapsed + eta, 1e-9), _LAST_FRACTION))
        if update.message:
            context.progress(fraction, update.message, eta)
        elif update.metrics and elapsed >= next_message:
            next_message = elapsed + elapsed / _MESSAGES_PER_E_FOLD
            context.progress(fraction, _message(last), eta)


def notes_on(history: Sequence[Mapping[str, float]]) -> list[str]:
    """What the user should know of a training that succeeded: that it was too short to learn anything."""
    losses = [row["valid_loss"] for row in history if "valid_loss" in row]
    steps = int(max((row.get("step", 0) for row in history), default=0))
    if len(losses) < 2:
        return [
            f"the training was too short to tell whether it learnt: {steps} steps, and one measurement of the held-out "
            "loss. Give it more time (max_minutes), steps (max_steps) or measurements (a smaller evaluate_steps)"
        ]
    if min(losses[1:]) >= losses[0]:
        return [
            f"the training did not learn: after {steps} steps the held-out loss is {min(losses[1:]):.3f}, and it was "
            f"{losses[0]:.3f} when it was first measured. Give it more time, more music, or a lower learning_rate"
        ]
    return []


def _message(metrics: Mapping[str, float]) -> str:
    """`step 400, epoch 1.25, loss 1.234, validation 1.300, 5600 tokens/s`."""
    parts = (
        ("step", "step {:.0f}"),
        ("epoch", "epoch {:.2f}"),
        ("train_loss", "loss {:.3f}"),
        ("valid_loss", "validation {:.3f}"),
        ("tokens_per_second", "{:.0f} tokens/s"),
    )
    return ", ".join(text.format(metrics[name]) for name, text in parts if name in metrics)


def _register_last_good(
    context: JobContext, run: TrainingRun, request: TrainingRequest, model_id: str, dataset: DatasetVersion
) -> bool:
    """Register the last good weights of a failed training; False where there are none."""
    folder = run.output / "data" / LAST_GOOD
    if not all((folder / name).is_file() for name in ("model.safetensors", "config.json")):
        return False
    register(
        context.storage,
        folder,
        model_id=model_id,
        architecture=request.architecture,
        dataset=dataset.lineage,
        code_version=code_version(folder),
        hyperparameters=dict(request.hyperparameters),
        metrics={},
        job_id=context.job.id,
        tenant=context.job.tenant,
    )
    return True


def _add_artifacts(context: JobContext, run: TrainingRun, evaluation: Evaluation) -> None:
    """Add the evaluation, curves, card and log to the job; the model itself goes into the registry."""
    context.add(EVALUATION, evaluation.as_json(), "application/json")
    context.add("history.json", json.dumps(run.history()).encode(), "application/json")
    for path in sorted(run.model.iterdir()):
        media_type = ARTIFACT_TYPES.get(path.suffix)
        if media_type is not None and path.is_file() and path.name != EVALUATION:
            context.add(path.name, path, media_type)
    if run.log.is_file():
        context.add("train.log", run.log, "text/plain")


def _result(manifest: ModelManifest, dataset: DatasetVersion, promoted: bool, refusal: str | None) -> dict[str, object]:
    return {
        "model": manifest.id,
        "architecture": manifest.architecture,
        "initial": manifest.initial,
        "sha256": manifest.sha256,
        "dataset": dataset.lineage,
        "metrics": manifest.metrics,
        "promoted_to": PRODUCTION if promoted else None,
        "not_promoted": refusal,
    }
