"""The language of a request in the terms of a network."""

from bandmate_shared.singing.check import UnknownVoice

from bandmate_vocal.speech.neural.network import AcousticNetwork


def language_code(network: AcousticNetwork, language: str) -> str:
    """The code of a language without its region, as the network knows it. Raises UnknownVoice where it does not."""
    code = language.strip().lower().replace("_", "-").partition("-")[0]
    if code not in network.languages:
        raise UnknownVoice(
            f"{network.name} does not sing the language {language!r}; it sings {', '.join(network.languages)}"
        )
    return code
