"""The voices that can be asked for, as `GET /v1/voices` lists them."""

from pydantic import Field

from bandmate_shared.contracts.base import Contract


class VoiceView(Contract):
    """One voice: a singer, whom every engine has, or a voice of one engine."""

    name: str = Field(description="What `voice` takes.")
    engine: str = Field(description="The source of the voice; 'any' for a singer.")
    languages: list[str] = Field(description="Tags of the languages it sings.")
    installed: bool = Field(description="Whether it can sing at once.")
    install: str | None = Field(None, description="The command that installs it, where it is not.")
    lowest: int = Field(description="MIDI pitch of the lowest note that suits it.")
    highest: int = Field(description="MIDI pitch of the highest note that suits it.")
    sounds: str = Field(description="How it sounds, in a sentence.")
    sung_by: dict[str, str] = Field(
        default_factory=dict, description="Of a singer: the engine that sings each language here, the best installed."
    )


class VoiceList(Contract):
    """All voices, singers first."""

    items: list[VoiceView]
