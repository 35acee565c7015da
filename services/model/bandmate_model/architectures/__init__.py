"""The composer networks that write tokens, by name. A new one is a module here with an `ARCHITECTURE`.

Only training imports torch; `engine/` runs the same weights without it.
"""

from bandmate_model.architectures.base import REPRESENTATION, Architecture, Hyperparameters

TOKEN_ARCHITECTURES = ("rnn", "transformer")
NAMES = (*TOKEN_ARCHITECTURES, "gan")


def architecture(name: str) -> Architecture:
    """Load an architecture (and with it torch).

    Raises:
        ValueError: no such architecture; the message lists those there are.
    """
    if name == "rnn":
        from bandmate_model.architectures import rnn

        return rnn.ARCHITECTURE
    if name == "transformer":
        from bandmate_model.architectures import transformer

        return transformer.ARCHITECTURE
    raise ValueError(f"unknown architecture {name!r}; there is: {', '.join(TOKEN_ARCHITECTURES)}")


__all__ = ["NAMES", "REPRESENTATION", "TOKEN_ARCHITECTURES", "Architecture", "Hyperparameters", "architecture"]
