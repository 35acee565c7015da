"""Trains with SageMaker's own SDK in local mode: `python train_locally.py IMAGE DATASET FOLDER HOSTS NAME=VALUE…`.

Runs in the virtual environment that holds the SDK, and needs neither an account nor credentials. Prints where the
compressed model lies as its last line.
"""

import json
import sys
from pathlib import Path
from typing import Any

from sagemaker.core.training.configs import Compute, InputData
from sagemaker.train.model_trainer import Mode, ModelTrainer

ROLE = "arn:aws:iam::123456789012:role/local"


def main(image: str, dataset: str, folder: str, hosts: str, *pairs: str) -> None:
    hyperparameters: dict[str, Any] = {name: _parse(value) for name, value in (pair.split("=", 1) for pair in pairs)}
    trainer = ModelTrainer(
        training_mode=Mode.LOCAL_CONTAINER,
        training_image=image,
        role=ROLE,
        base_job_name="bandmate",
        compute=Compute(instance_type="local_cpu", instance_count=int(hosts)),
        hyperparameters=hyperparameters,
        input_data_config=[InputData(channel_name="training", data_source=dataset)],
        local_container_root=folder,
    )
    trainer.train()
    print(Path(folder) / "compressed_artifacts" / "model.tar.gz")


def _parse(text: str) -> Any:
    """Parse numbers, which the SDK must convert to strings."""
    try:
        return json.loads(text)
    except ValueError:
        return text


if __name__ == "__main__":
    main(*sys.argv[1:])
