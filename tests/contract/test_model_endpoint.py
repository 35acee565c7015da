"""The conformance suite of `ModelEndpoint`: the model server over HTTP, and behind SageMaker's two kinds of endpoint.

The model server is the real one each time, as a separate process; SageMaker is a server with its wire format.
"""

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from bandmate_generate.endpoints.archives import publish_archive
from bandmate_generate.endpoints.base import ModelFailed, ModelNotDeployed, learnt_of
from bandmate_generate.endpoints.open import open_model_endpoint
from bandmate_generate.settings import GenerateSettings
from bandmate_shared.contracts.composition import CompositionAnswer, CompositionRequest, holes_from
from bandmate_shared.contracts.trainings import ModelManifest
from bandmate_shared.errors import BandmateError, InvalidRequest, LimitExceeded, Unavailable
from bandmate_shared.objects.base import Storage
from bandmate_shared.objects.open import open_storage
from bandmate_shared.registry.models import fetch_model
from bandmate_train.models import register
from bandmate_train.promotion.promote import promote, roll_back
from bandmate_train.promotion.starter import register_starter

from tests.support.moto_server import MotoServer, aws, bucket, moto_server  # noqa: F401 - fixtures
from tests.support.sagemaker_endpoint import Endpoint, SageMakerRuntime, ServiceError

KINDS = ("http", "sagemaker", "sagemaker-async")


def request(**changes: object) -> CompositionRequest:
    part = {"name": "Voice", "role": "melody", "program": 52, "is_voice": True, "low": 57, "high": 74}
    values = {
        "style": "song",
        "tonic": 9,
        "mode": "minor",
        "numerator": 3,
        "denominator": 4,
        "bars": 2,
        "tempo": 88,
        "parts": [{**part, "monophonic": True}],
        "seeds": [1, 2],
    }
    return CompositionRequest.model_validate(values | changes)


@pytest.fixture(scope="module")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model folder of the size of a toy, its weights drawn at random."""
    import torch
    from bandmate_model.architectures.base import Hyperparameters
    from bandmate_model.architectures.open import architecture
    from safetensors.torch import save_file

    torch.manual_seed(7)
    transformer = architecture("transformer")
    sizes = Hyperparameters(hidden=32, layers=2, heads=2, feedforward=48, window=512)
    network = transformer.build(sizes)
    folder = tmp_path_factory.mktemp("tiny-model")
    weights = {name: tensor * 3 if tensor.dim() == 2 else tensor for name, tensor in network.state_dict().items()}
    save_file(weights, folder / "model.safetensors")
    config = {**transformer.config(["chorale", "song"], sizes), "id": "tiny"}
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "MODEL_CARD.md").write_text("# Tiny\n")
    return folder


@dataclass
class Place:
    """A registry in S3 with the starter model, and an endpoint that composes with it."""

    settings: GenerateSettings
    storage: Storage
    model: ModelManifest
    runtime: SageMakerRuntime

    def compose(self, composition_request: CompositionRequest, model: ModelManifest | None = None) -> CompositionAnswer:
        with open_model_endpoint(self.settings) as endpoint:
            return endpoint.compose(self.storage, model or self.model, composition_request)


@pytest.fixture(scope="module")
def endpoints() -> Iterator[dict[str, Endpoint]]:
    """Endpoints by name, each with a model server that serves all tests of this file."""
    started: dict[str, Endpoint] = {}
    yield started
    for endpoint in started.values():
        endpoint.stop()


@pytest.fixture
def make_place(
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    tiny_model: Path,
    endpoints: dict[str, Endpoint],
    bucket: str,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Callable[..., Place]]:
    url = f"s3://{bucket}/store"
    storage = open_storage(url)
    model = register_starter(storage, tiny_model)
    with SageMakerRuntime(tmp_path_factory.mktemp("instances")) as runtime:
        for name, value in runtime.environment.items():
            monkeypatch.setenv(name, value)

        def make(kind: str, **container: str) -> Place:
            name = "-".join([kind, *container.values()]).replace(".", "-")
            single = kind == "sagemaker-async"
            endpoint = endpoints.setdefault(
                name, Endpoint(name, model=tiny_model if single else None, settings=container)
            )
            endpoint.models = f"{url}/sagemaker-models/" if kind == "sagemaker" else ""
            endpoint.output = f"s3://{bucket}/answers" if single else ""
            runtime.add(endpoint)
            settings = GenerateSettings.model_validate(
                {
                    "home": tmp_path / "home",
                    "storage_url": url,
                    "model_endpoint": kind,
                    "model_url": endpoint.url or "http://127.0.0.1:9",
                    "sagemaker_endpoint": name,
                    "compose_seconds": 60,
                }
            )
            return Place(settings, storage, model, runtime)

        yield make


@pytest.fixture(params=KINDS)
def place(request: pytest.FixtureRequest, make_place: Callable[..., Place]) -> Place:
    return make_place(request.param)


def another_model(place: Place, tiny_model: Path, tmp_path: Path) -> ModelManifest:
    """The model with slightly different weights, under its own name."""
    from safetensors.numpy import load_file, save_file

    folder = tmp_path / "another"
    folder.mkdir()
    for name in ("config.json", "MODEL_CARD.md"):
        shutil.copy(tiny_model / name, folder)
    weights = load_file(tiny_model / "model.safetensors")
    save_file({name: array * 0.9 for name, array in weights.items()}, folder / "model.safetensors")
    return register(
        place.storage,
        folder,
        model_id="another",
        architecture="transformer",
        dataset={},
        code_version="test",
        hyperparameters={},
        metrics={},
        job_id=None,
        tenant="local",
    )


def test_a_model_composes_one_take_per_seed(place: Place) -> None:
    answer = place.compose(request())
    assert [take.seed for take in answer.takes] == [1, 2]
    assert answer.model["sha256"] == place.model.sha256
    again = place.compose(request(seeds=[2]))
    assert again.takes[0].notes == answer.takes[1].notes


@pytest.mark.parametrize(
    ("changes", "words"),
    [({"style": "ska"}, "refused: .*ska"), ({"bars": 128, "seeds": list(range(16))}, "BANDMATE_MODEL_SECONDS")],
)
def test_a_request_the_model_refuses_is_invalid_and_final(
    make_place: Callable[..., Place], changes: dict[str, object], words: str
) -> None:
    for kind in KINDS:
        place = make_place(kind, BANDMATE_MODEL_SECONDS="0.02")
        with pytest.raises(InvalidRequest, match=words):
            place.compose(request(**changes))


def test_the_same_request_gives_the_same_takes_at_every_endpoint(make_place: Callable[..., Place]) -> None:
    composition_request = request(bars=4, seeds=[11, 12])
    answers = [make_place(kind).compose(composition_request) for kind in KINDS]
    documents = [json.dumps([take.model_dump() for take in answer.takes], sort_keys=True) for answer in answers]
    assert documents[0] == documents[1] == documents[2]
    assert [answer.model for answer in answers] == [answers[0].model] * 3


def test_a_missing_endpoint_raises_a_retryable_error(make_place: Callable[..., Place]) -> None:
    for kind in KINDS:
        place = make_place(kind)
        changes = {"sagemaker_endpoint": "none", "model_url": "http://127.0.0.1:9", "model_start_seconds": 0.2}
        place.settings = place.settings.model_copy(update=changes)
        with pytest.raises(BandmateError, match=r"not found|does not answer") as caught:
            place.compose(request())
        assert caught.value.retryable


def test_styles_are_the_models_own(place: Place) -> None:
    assert learnt_of(place.storage, place.model).styles == ("chorale", "song")


def test_promotion_and_rollback_need_no_change_of_the_endpoint(
    make_place: Callable[..., Place], tiny_model: Path, tmp_path: Path
) -> None:
    """Each request names its model; the endpoint loads models on demand, and unloads them when memory runs out."""
    from bandmate_shared.registry.models import resolve_model

    for kind in ("http", "sagemaker"):
        place = make_place(kind, BANDMATE_MODEL_MAX_LOADED="1")
        if kind == "http":
            another_model(place, tiny_model, tmp_path)
            promote(place.storage, place.model.id, "local")
        notes = []
        for change in (None, "another", "back"):
            if change == "another":
                promote(place.storage, "another", "local", force=True)
            elif change == "back":
                roll_back(place.storage, "local")
            answer = place.compose(request(seeds=[5]), resolve_model(place.storage))
            notes.append(answer.takes[0].notes)
        assert notes[0] == notes[2]
        assert notes[0] != notes[1]


def test_an_endpoint_of_one_model_refuses_requests_for_another(
    make_place: Callable[..., Place], endpoints: dict[str, Endpoint], tiny_model: Path, tmp_path: Path
) -> None:
    place = make_place("sagemaker-async")
    other = another_model(place, tiny_model, tmp_path)
    with pytest.raises(ModelNotDeployed, match=r"this endpoint holds tiny.*deploy it"):
        place.compose(request(), other)
    assert place.compose(request()).takes
    endpoint = place.runtime.add(endpoints.setdefault("single", Endpoint("single", model=tiny_model)))
    place.settings = place.settings.model_copy(
        update={"model_endpoint": "sagemaker", "sagemaker_endpoint": endpoint.name, "sagemaker_multi_model": False}
    )
    assert place.compose(request()).takes
    with pytest.raises(ModelNotDeployed):
        place.compose(request(), other)


def test_an_archive_is_reproducible(make_place: Callable[..., Place], tiny_model: Path, tmp_path: Path) -> None:
    place = make_place("sagemaker")
    key = publish_archive(place.storage, place.model, tmp_path / "one")
    assert key == f"sagemaker-models/{place.model.id}.tar.gz"
    first = place.storage.get(key)
    place.storage.delete(key)
    for path in fetch_model(place.storage, place.model, tmp_path / "two").iterdir():
        path.touch()
    publish_archive(place.storage, place.model, tmp_path / "two")
    assert place.storage.get(key) == first


def test_temporary_errors_are_retried(make_place: Callable[..., Place]) -> None:
    place = make_place("sagemaker")
    place.runtime.refuse_first = [
        ServiceError(400, "ThrottlingException", "Rate exceeded"),
        ServiceError(503, "ServiceUnavailable", "try again"),
        ServiceError(429, "ModelNotReadyException", "the model is being loaded"),
    ]
    assert place.compose(request()).takes
    assert place.runtime.calls["InvokeEndpoint"] == 4


def test_lasting_errors_are_unavailable(make_place: Callable[..., Place]) -> None:
    place = make_place("sagemaker")
    place.settings = place.settings.model_copy(update={"model_start_seconds": 0.1})
    place.runtime.refuse_first = [ServiceError(429, "ModelNotReadyException", "still loading")] * 20
    with pytest.raises(Unavailable, match="ModelNotReadyException"):
        place.compose(request())


def test_a_request_too_large_for_sagemaker_is_not_sent(make_place: Callable[..., Place]) -> None:
    place = make_place("sagemaker")
    large = request(prompt=[(0, 0, 24, 60, 80)] * 500_000, holes=holes_from(1, 2, 1))
    with pytest.raises(LimitExceeded, match="6291456"):
        place.compose(large)
    assert place.runtime.calls["InvokeEndpoint"] == 0


def test_an_asynchronous_request_is_sent_once_for_all_attempts(
    make_place: Callable[..., Place],
) -> None:
    place = make_place("sagemaker-async")
    place.settings = place.settings.model_copy(update={"compose_seconds": 60.0})
    first = place.compose(request())
    second = place.compose(request())
    assert first == second, "the very same answer"
    assert place.runtime.calls["InvokeEndpointAsync"] == 1
    place.compose(request(seeds=[9]))
    assert place.runtime.calls["InvokeEndpointAsync"] == 2


def test_a_missing_asynchronous_answer_times_out(make_place: Callable[..., Place]) -> None:
    place = make_place("sagemaker-async")
    place.settings = place.settings.model_copy(update={"compose_seconds": 1.0})
    place.runtime.endpoints["sagemaker-async"].lock.acquire()  # An instance that never starts.
    try:
        with pytest.raises(Unavailable, match="BANDMATE_COMPOSE_SECONDS"):
            place.compose(request())
    finally:
        place.runtime.endpoints["sagemaker-async"].lock.release()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"sagemaker_endpoint": ""}, "needs BANDMATE_SAGEMAKER_ENDPOINT"),
        ({"storage_url": "file:///data"}, "needs BANDMATE_STORAGE_URL=s3://"),
    ],
)
def test_incomplete_settings_are_refused_at_the_start(tmp_path: Path, change: dict[str, str], words: str) -> None:
    complete = {
        "home": tmp_path,
        "model_endpoint": "sagemaker",
        "sagemaker_endpoint": "songs",
        "storage_url": "s3://bucket/store",
    }
    GenerateSettings.model_validate(complete)
    with pytest.raises(ValueError, match=words):
        GenerateSettings.model_validate(complete | change)


def test_an_answer_of_another_model_is_refused(place: Place) -> None:
    from bandmate_generate.endpoints.base import read_answer

    content = place.compose(request()).model_dump_json().encode()
    with pytest.raises(ModelFailed, match="other weights"):
        read_answer(content, place.model.model_copy(update={"sha256": "0" * 64}), request())
    with pytest.raises(ModelFailed, match="2 takes of 1"):
        read_answer(content, place.model, request(seeds=[1]))
    with pytest.raises(ModelFailed, match="no composition"):
        read_answer(b"{}", place.model, request())
