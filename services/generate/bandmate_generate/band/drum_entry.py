"""Where the drums begin: with the song, after two or four bars, or at the first chorus."""

from random import Random

from bandmate_generate.form.song_form import SongForm

_EARLY_ENTERS = 0.15
"""Drums that enter at this energy or below carry the style: they do not wait for the chorus."""
_LATEST_SHARE = 0.4
"""Of the song's bars: where the drums have begun at the latest."""
_RISE = 0.15


def drum_entry(form: SongForm, enters: float, rng: Random) -> int:
    """The bar in which the drums begin, after an intro of others. `enters` is the energy from which they play."""
    first = next((section for section in form.sections if section.name != "intro"), form.sections[0])
    options = [0, 0, 2] if first.bars >= 4 else [0]
    if enters > _EARLY_ENTERS:
        options += [4] if first.bars >= 8 else []
        options += [_first_rise(form, first.first_bar, first.energy) - first.first_bar]
    possible = [bars for bars in options if first.first_bar + bars <= _LATEST_SHARE * form.bars]
    return first.first_bar + rng.choice(possible or [0])


def _first_rise(form: SongForm, after: int, energy: float) -> int:
    """The first bar of the first louder section."""
    louder = (section for section in form.sections if section.first_bar > after and section.energy >= energy + _RISE)
    return next((section.first_bar for section in louder), form.bars)
