"""The sound of each singer."""

from bandmate_shared.singing.catalogue import SINGERS
from bandmate_shared.singing.check import UnknownVoice
from bandmate_shared.singing.singers import singer_for, singer_named

from bandmate_vocal.speech.neural.network import Timbre

_TIMBRES = {
    "soprano": Timbre(),
    "alto": Timbre(formants=0.95),
    "tenor": Timbre(formants=0.88, lowest=150.0),
    "bass": Timbre(formants=0.82, lowest=150.0),
    "bright": Timbre(formants=1.07, ring=3.0),
    "dark": Timbre(formants=0.93, tilt=1.5),
    "breathy": Timbre(formants=0.98, breath=4.0, tilt=0.5),
    "child": Timbre(formants=1.15, breath=2.0),
}


def timbre_of(name: str) -> Timbre:
    """A singer's sound. Raises UnknownVoice."""
    if name not in _TIMBRES:
        raise UnknownVoice(f"there is no singer {name!r}; there are {', '.join(_TIMBRES)}")
    return _TIMBRES[name]


def choose(voice: str | None, middle_pitch: float) -> str:
    """The name of the singer that a request names; None: who suits a melody around the pitch. Raises UnknownVoice."""
    if voice is None:
        return singer_for([round(middle_pitch)]).name
    singer = singer_named(voice)
    if singer is None:
        raise UnknownVoice(f"there is no voice {voice!r}; there are the singers {', '.join(SINGERS)}")
    return singer.name
