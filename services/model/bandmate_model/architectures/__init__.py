"""The composer networks, by name. A new one is a module here with the four functions of `Architecture`.

Only training imports torch; `runtime.py` composes with numpy from the same weights.
"""

from bandmate_model.architectures.base import Architecture, Hyperparameters, Vocabulary

NAMES = ("rnn",)


def architecture(name: str) -> Architecture:
    """Load an architecture (and with it torch).

    Raises:
        ValueError: no such architecture; the message lists those there are.
    """
    if name == "rnn":
        from bandmate_model.architectures import rnn

        return rnn.ARCHITECTURE
    raise ValueError(f"unknown architecture {name!r}; there is: {', '.join(NAMES)}")


__all__ = ["NAMES", "Architecture", "Hyperparameters", "Vocabulary", "architecture"]
