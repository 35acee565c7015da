"""Parts and metres that many styles share."""

from bandmate_music.theory.metre import Metre
from bandmate_shared.contracts.composition import Role

from bandmate_generate.planning.styles.style import VOICE_PROGRAM, StylePart

FOUR_FOUR, THREE_FOUR, TWO_FOUR, SIX_EIGHT = Metre(4, 4), Metre(3, 4), Metre(2, 4), Metre(6, 8)


def voice(lead: str, program: int, low: int = 57, high: int = 76, pan: float = 0.0) -> StylePart:
    """A singer, and the instrument that plays the line where nobody sings."""
    return StylePart(
        "Voice",
        "melody",
        VOICE_PROGRAM,
        low,
        high,
        monophonic=True,
        is_voice=True,
        lead=(lead, program),
        pan=pan,
        room=0.3,
    )


def choir(name: str, role: Role, low: int, high: int, pan: float, level: float) -> StylePart:
    """One voice of a choir."""
    return StylePart(
        name, role, VOICE_PROGRAM, low, high, monophonic=True, is_voice=True, level=level, pan=pan, room=0.5
    )


def harmony(
    name: str,
    program: int,
    figure: str,
    low: int,
    high: int,
    *,
    level: float = -4.0,
    pan: float = 0.0,
    room: float = 0.18,
    enters: float = 0.0,
    monophonic: bool = False,
) -> StylePart:
    """An instrument that accompanies with a figure."""
    return StylePart(
        name,
        "harmony",
        program,
        low,
        high,
        monophonic=monophonic,
        level=level,
        pan=pan,
        room=room,
        figure=figure,
        enters=enters,
    )


def bass(
    figure: str,
    program: int = 33,
    name: str = "Bass",
    *,
    level: float = -5.0,
    pan: float = 0.0,
    room: float = 0.03,
    enters: float = 0.0,
) -> StylePart:
    """A bass that plays a figure."""
    return StylePart(
        name,
        "bass",
        program,
        28,
        55,
        monophonic=True,
        level=level,
        pan=pan,
        room=room,
        figure=figure,
        enters=enters,
    )


def double_bass(figure: str, *, level: float = -6.0, enters: float = 0.0) -> StylePart:
    """A plucked double bass."""
    return bass(figure, 32, "Double bass", level=level, pan=0.1, room=0.08, enters=enters)


def drums(level: float, enters: float = 0.0) -> StylePart:
    """A drummer who plays the style's groove."""
    return StylePart("Drums", "drums", 0, is_drum=True, level=level, room=0.12, figure="drums", enters=enters)
