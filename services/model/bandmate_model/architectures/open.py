"""The networks by name. To add one, write a module here that defines `ARCHITECTURE`."""

from bandmate_model.architectures import rnn, transformer
from bandmate_model.architectures.base import Architecture

_ARCHITECTURES = {entry.name: entry for entry in (rnn.ARCHITECTURE, transformer.ARCHITECTURE)}


def architecture(name: str) -> Architecture:
    """The architecture of that name.

    Raises:
        ValueError: no such architecture; the message lists those there are.
    """
    if name not in _ARCHITECTURES:
        raise ValueError(f"unknown architecture {name!r}; there is: {', '.join(_ARCHITECTURES)}")
    return _ARCHITECTURES[name]
