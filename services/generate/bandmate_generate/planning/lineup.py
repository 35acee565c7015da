"""Resolve requested instruments or tracks into parts, each with a role, a range and settings for the mix.

Where the style has a part for the instrument, that part is taken; the rest follows from what the instrument is.
"""

from collections.abc import Sequence
from dataclasses import replace

from bandmate_music.instruments import Instrument, parse_instrument, playing_range, plays_one_note
from bandmate_shared.contracts.composition import Role
from bandmate_shared.contracts.songs import SongRequest
from bandmate_shared.contracts.wishes import TrackWish
from bandmate_shared.errors import InvalidRequest

from bandmate_generate.planning.singer_range import in_singers_range
from bandmate_generate.planning.styles import VOICE_PROGRAM, Style, StylePart

_SINGER_RANGE = (57, 76)
_BASSES = frozenset((*range(32, 40), 43, 58))
_LOW = frozenset((42, 57, 67, 70, 109))
"""Play the bass where no bass instrument does: cello, trombone, baritone saxophone, bassoon."""
_LEADS = ((52, 55), (72, 80), (64, 72), (56, 57), (40, 41), (110, 111), (80, 88), (41, 43), (22, 23), (26, 31))
"""Programs that carry a melody, those most used to it first: [first, last)."""
_LEVELS: dict[Role, float] = {"melody": 0.0, "harmony": -4.0, "bass": -5.0, "drums": -5.0}
_PLACES = (-0.25, 0.25, -0.5, 0.5, -0.7, 0.7)
_DEFAULT_SPAN = 24
_DEFAULT_FIGURES: dict[Role, str] = {"harmony": "half-pads", "bass": "root-fifth", "drums": "drums"}
_SUSTAINED = frozenset((*range(16, 24), *range(40, 46), *range(48, 56), *range(88, 96)))
"""Organs, bowed strings, choirs and pads, which hold chords."""
MAX_DRUM_PARTS = 4
"""How many drum parts a model composes at once."""


def requested_lineup(request: SongRequest, style: Style) -> tuple[StylePart, ...] | None:
    """The parts of `instruments` or `tracks`; None where the style's own are to play.

    Raises:
        InvalidRequest: two tracks of one name; words and nobody to sing them; a range without a pitch; too many drums.
    """
    if request.tracks is not None:
        wishes = request.tracks
    elif request.instruments is not None:
        wishes = [TrackWish(instrument=name) for name in request.instruments]
    else:
        return None
    sung = request.lyrics is not None
    parts = parts_for(wishes, style, polyphony=request.polyphony, sung=sung, voice=request.voice or style.singer)
    if sung and not any(part.role == "melody" and part.is_voice for part in parts):
        raise InvalidRequest("the words need a singer: add 'voice' to the instruments, or leave the lyrics out")
    return parts


def parts_for(
    wishes: Sequence[TrackWish],
    style: Style | None,
    *,
    polyphony: int | None = None,
    sung: bool = False,
    voice: str | None = None,
    has_melody: bool = False,
    has_bass: bool = False,
    taken: Sequence[str] = (),
) -> tuple[StylePart, ...]:
    """A part a wish. `voice` names the singer of what is `sung`. `has_melody` and `has_bass`: others play them already;
    `taken` names are taken.

    Raises:
        InvalidRequest: see `requested_lineup`.
    """
    instruments = [parse_instrument(wish.instrument) for wish in wishes]
    if sum(instrument.is_drum for instrument in instruments) > MAX_DRUM_PARTS:
        raise InvalidRequest(f"at most {MAX_DRUM_PARTS} drum tracks can be composed at once")
    templates = _templates(wishes, instruments, style, sung) if style is not None else [None] * len(wishes)
    roles = _roles(wishes, instruments, templates, has_melody=has_melody, has_bass=has_bass)
    names = _names(wishes, instruments, taken)
    parts: list[StylePart] = []
    for number, (wish, instrument) in enumerate(zip(wishes, instruments, strict=True)):
        part = _part(names[number], roles[number], instrument, templates[number], parts)
        if templates[number] is None:
            part = replace(part, figure=_figure(part, style, parts))
        if sung:
            part = in_singers_range(part, voice)
        parts.append(_with_wish(part, wish, polyphony))
    return tuple(parts)


def capped(part: StylePart, polyphony: int | None) -> StylePart:
    """The part with no more notes at once than that, where it is not the drums."""
    if polyphony is None or part.is_drum:
        return part
    return replace(part, polyphony=polyphony, monophonic=part.monophonic or polyphony == 1)


def _templates(
    wishes: Sequence[TrackWish], instruments: Sequence[Instrument], style: Style, sung: bool
) -> list[StylePart | None]:
    """For each wish the style's part for that instrument, each part once."""
    free = list(style.parts)
    templates: list[StylePart | None] = []
    for wish, instrument in zip(wishes, instruments, strict=True):
        match = next(
            (
                part
                for part in free
                if part.is_drum == instrument.is_drum
                and (part.is_drum or _plays(part, instrument.program, sung))
                and wish.role in (None, part.role)
            ),
            None,
        )
        if match is not None:
            free.remove(match)
        templates.append(match)
    return templates


def _plays(part: StylePart, program: int, sung: bool) -> bool:
    """Whether the style's part is played by the program; a singer's line counts with its lead where nobody sings."""
    return part.lead[1] == program if part.lead is not None and not sung else part.program == program


def _roles(
    wishes: Sequence[TrackWish],
    instruments: Sequence[Instrument],
    templates: Sequence[StylePart | None],
    *,
    has_melody: bool,
    has_bass: bool,
) -> list[Role]:
    roles: list[Role | None] = [
        "drums" if instrument.is_drum else wish.role or (template.role if template else None)
        for wish, instrument, template in zip(wishes, instruments, templates, strict=True)
    ]
    unassigned = [index for index, role in enumerate(roles) if role is None]
    for index in list(unassigned):
        if instruments[index].program in _BASSES and "bass" not in roles:
            roles[index] = "bass"
            unassigned.remove(index)
    if unassigned and "melody" not in roles and not has_melody:
        first = min(unassigned, key=lambda index: (_melody_rank(instruments[index].program), index))
        roles[first] = "melody"
        unassigned.remove(first)
    low = [index for index in unassigned if instruments[index].program in _LOW]
    if low and "bass" not in roles and not has_bass:
        roles[low[-1]] = "bass"
    return [role or "harmony" for role in roles]


def _melody_rank(program: int) -> int:
    return next((rank for rank, (first, end) in enumerate(_LEADS) if first <= program < end), len(_LEADS))


def _names(wishes: Sequence[TrackWish], instruments: Sequence[Instrument], used_names: Sequence[str]) -> list[str]:
    """The names asked for; else the instrument as it was called, numbered where there are several."""
    requested_names = [wish.name.lower() for wish in wishes if wish.name]
    double = next(
        (
            name
            for name in requested_names
            if requested_names.count(name) > 1 or name in {other.lower() for other in used_names}
        ),
        None,
    )
    if double is not None:
        raise InvalidRequest(f"two tracks are called {double!r}; give each a name of its own")
    used = {*requested_names, *(name.lower() for name in used_names)}
    names = []
    for wish, instrument in zip(wishes, instruments, strict=True):
        if wish.name:
            names.append(wish.name)
            continue
        plain = "Drums" if instrument.is_drum else wish.instrument[:1].upper() + wish.instrument[1:]
        name, number = plain, 1
        while name.lower() in used:
            number += 1
            name = f"{plain} {number}"
        used.add(name.lower())
        names.append(name)
    return names


def _part(
    name: str, role: Role, instrument: Instrument, template: StylePart | None, before: Sequence[StylePart]
) -> StylePart:
    if template is not None:
        lead = (name, template.lead[1]) if template.lead is not None else None
        return replace(template, name=name, role=role, lead=lead)
    if instrument.is_drum:
        return StylePart(name, "drums", 0, is_drum=True, level=_LEVELS["drums"], room=0.12)
    low, high = playing_range(instrument.program)
    if instrument.is_voice:
        low, high = _SINGER_RANGE
    if role == "bass":
        high = max(low + 12, min(high, 60))
    elif role == "melody":
        low = min(high - 12, max(low, 55))
    harmonies = sum(part.role == "harmony" for part in before)
    return StylePart(
        name,
        role,
        VOICE_PROGRAM if instrument.is_voice and role == "melody" else instrument.program,
        low,
        high,
        monophonic=instrument.is_voice or plays_one_note(instrument.program),
        is_voice=instrument.is_voice,
        level=_LEVELS[role],
        pan=_PLACES[harmonies % len(_PLACES)] if role == "harmony" else 0.0,
        room=0.05 if role == "bass" else 0.22,
    )


def _figure(part: StylePart, style: Style | None, before: Sequence[StylePart]) -> str | None:
    """What an instrument plays that the style has no part for: a figure of the style, or one of its own kind.

    None: the network composes it, as it does all parts of a style without figures.
    """
    usual = [other.figure for other in style.parts if other.role == part.role and other.figure] if style else []
    if style is None or not any(other.figure for other in style.parts) or part.role == "melody":
        return None
    if part.role in ("bass", "drums"):
        return usual[0] if usual else _DEFAULT_FIGURES[part.role]
    if part.monophonic:
        return "counter-line"
    if part.program in _SUSTAINED:
        return "pad"
    taken = sum(other.role == part.role and other.figure in usual for other in before)
    return usual[taken % len(usual)] if usual else _DEFAULT_FIGURES[part.role]


def _with_wish(part: StylePart, wish: TrackWish, polyphony: int | None) -> StylePart:
    """The part within the range asked for, with its density and its polyphony."""
    low, high = part.low, part.high
    if wish.low is not None:
        low, high = wish.low, max(high, min(127, wish.low + _DEFAULT_SPAN)) if wish.low > high else high
    if wish.high is not None:
        low, high = (max(0, wish.high - _DEFAULT_SPAN) if wish.high < low else low), wish.high
    if part.is_drum:
        return replace(part, density=wish.density)
    cap = wish.polyphony if wish.polyphony is not None else polyphony
    many = wish.polyphony is not None and wish.polyphony > 1 and not part.is_voice
    return capped(replace(part, low=low, high=high, density=wish.density, monophonic=part.monophonic and not many), cap)
