"""The YAML header of a model card, as model hubs read it."""

import yaml
from bandmate_model.training.card_header import card_header

CONFIG = {"architecture": "transformer", "id": 'my "first": model', "dataset_sha256": "ab" * 32}


def test_the_header_names_the_model_its_dataset_and_what_was_measured() -> None:
    header = card_header(CONFIG, {"valid_loss": 2.0462, "overlap": float("nan"), "parameters": 4.0})
    assert header.startswith("---\n")
    assert header.endswith("---\n")
    values = yaml.safe_load(header.strip("-\n"))
    assert values["library_name"] == "transformers"
    (model,) = values["model-index"]
    (result,) = model["results"]
    assert model["name"] == CONFIG["id"]
    assert result["dataset"]["name"] == "abababababab"
    assert [(row["type"], row["value"]) for row in result["metrics"]] == [("valid_loss", 2.0462)]


def test_without_measurements_there_is_no_index() -> None:
    values = yaml.safe_load(card_header({**CONFIG, "architecture": "gan"}, {}).strip("-\n"))
    assert values == {
        "library_name": "bandmate",
        "tags": ["music", "midi", "symbolic-music-generation", "gan"],
    }
