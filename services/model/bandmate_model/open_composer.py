"""The composer of a model folder: the only module that chooses the family by the folder."""

from pathlib import Path

from bandmate_model.cells.composer import TokenComposer
from bandmate_model.composer import Composer
from bandmate_model.gan.composer import GanComposer
from bandmate_model.model_files import read_info


def open_composer(folder: Path) -> Composer:
    """The composer of a model folder, by config.json's `architecture`.

    Raises:
        ModelUnusable: as read_info; or the weights cannot be read or do not fit the configuration.
    """
    info = read_info(folder)
    family = GanComposer if info.architecture == "gan" else TokenComposer
    return family.load(folder, info)
