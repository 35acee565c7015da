"""The training job: prepare → train → evaluate → register.

A killed worker loses nothing but time: the next attempt of the same job finds the checkpoints, and a model that was
already registered is found and not made twice.
"""

import json
import time
from collections.abc import Mapping

from bandmate_shared.contracts.trainings import ModelManifest, TrainingRequest
from bandmate_shared.errors import Cancelled, InvalidRequest
from bandmate_shared.jobs.context import Done, JobContext
from bandmate_shared.registry import PRODUCTION, fetch_model, resolve_model

from bandmate_train.datasets import DatasetVersion, find_dataset, materialise
from bandmate_train.gate import EVALUATION, Evaluation, evaluate
from bandmate_train.lineage import code_version
from bandmate_train.models import promote, refuse_taken, register
from bandmate_train.promotion import WorseModel
from bandmate_train.settings import TrainSettings
from bandmate_train.trainer import Trainer, TrainingFailed, TrainingPlan, TrainingRun, as_hyperparameters

ARTIFACT_TYPES = {
    ".png": "image/png", ".json": "application/json", ".md": "text/markdown", ".log": "text/plain", ".html": "text/html"
}  # fmt: skip
"""Which of a training's small files become the job's artifacts."""

LAST_GOOD = "last-good"
"""Below the output of a training that failed: its best weights, if it had come that far. Also in the id of the
model that they become, so that another training can start from them."""

_LINES_A_GROWTH = 200
"""So many lines of progress are written while a training's running time grows e-fold: some 2,000 in a day."""
_LAST_FRACTION = 0.99
"""Shown until the trainer has ended: after its last step it still writes the model."""


class TrainingHandler:
    """Runs training jobs with a trainer."""

    def __init__(self, settings: TrainSettings, trainer: Trainer) -> None:
        self._settings = settings
        self._trainer = trainer

    def __call__(self, context: JobContext) -> Done:
        """Train, judge and register a model. The trainer's own folder is kept for a further attempt, if one may come.

        Raises UnknownDataset, UnknownModel, Conflict, TrainingFailed, TrainerInterrupted, GateFailed, Cancelled.
        """
        try:
            done = self._train(context)
        except (InvalidRequest, Cancelled):
            self._trainer.forget(context.job.id)
            raise
        self._trainer.forget(context.job.id)
        return done

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
            kept = _keep_last_good(context, run, request, f"{model_id[:90]}-{LAST_GOOD}-{job.id[-10:]}", dataset)
            raise TrainingFailed(f"{error.detail}, and are the model {kept}" if kept else error.detail) from error
        finally:
            run.leave()

        context.stage("evaluate", "judging the model")
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
        refused = None
        if request.promote:
            try:
                promote(context.storage, manifest.id, job.tenant)
            except WorseModel as error:
                refused = error.detail
        return Done(_result(manifest, dataset, request.promote and refused is None, refused))


def _follow(context: JobContext, run: TrainingRun) -> None:
    """Turn what the trainer prints into progress until it has ended; a cancellation is met within a tick.

    The fraction comes from the trainer's own estimate of the time left, and so holds after a resume as well. Progress
    gets rarer the longer a training runs: a day of it must not fill the job's history.
    """
    started = time.monotonic()
    next_line = 0.0
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
        elif update.metrics and elapsed >= next_line:
            next_line = elapsed + elapsed / _LINES_A_GROWTH
            context.progress(fraction, _message(last), eta)


def _message(metrics: Mapping[str, float]) -> str:
    """`step 400, epoch 1.25, loss 1.234, validation 1.300, 5600 tokens/s`."""
    shown = (
        ("step", "step {:.0f}"),
        ("epoch", "epoch {:.2f}"),
        ("train_loss", "loss {:.3f}"),
        ("valid_loss", "validation {:.3f}"),
        ("tokens_per_second", "{:.0f} tokens/s"),
    )
    return ", ".join(text.format(metrics[name]) for name, text in shown if name in metrics)


def _keep_last_good(
    context: JobContext, run: TrainingRun, request: TrainingRequest, model_id: str, dataset: DatasetVersion
) -> str | None:
    """Register what a failed training has left; the id of the model, or None if there is nothing."""
    folder = run.output / "data" / LAST_GOOD
    if not all((folder / name).is_file() for name in ("model.safetensors", "config.json")):
        return None
    return register(
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
    ).id


def _add_artifacts(context: JobContext, run: TrainingRun, evaluation: Evaluation) -> None:
    """The job shows what a person wants to look at; the model itself goes into the registry."""
    context.add(EVALUATION, evaluation.as_json(), "application/json")
    context.add("history.json", json.dumps(run.history()).encode(), "application/json")
    for path in sorted(run.model.iterdir()):
        media_type = ARTIFACT_TYPES.get(path.suffix)
        if media_type is not None and path.is_file() and path.name != EVALUATION:  # That one is in the gate's own.
            context.add(path.name, path, media_type)
    if run.log.is_file():
        context.add("train.log", run.log, "text/plain")


def _result(manifest: ModelManifest, dataset: DatasetVersion, promoted: bool, refused: str | None) -> dict[str, object]:
    return {
        "model": manifest.id,
        "architecture": manifest.architecture,
        "sha256": manifest.sha256,
        "dataset": dataset.lineage,
        "metrics": manifest.metrics,
        "promoted_to": PRODUCTION if promoted else None,
        "not_promoted": refused,
    }
