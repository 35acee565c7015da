"""Names of tracks and parts in the usual languages, and words that only look like one."""

import pytest
from bandmate_music.instrument_names import is_drum_name, named_instrument

DRUMS = (
    "Schlagzeug|Batterie|Batería|Bateria|Percussão|Percussioni|ドラム|架子鼓|드럼|Ударные|Барабаны|Trummor|Perkusja|Slagwerk|Rummut|Bicí|Dob|"
    "Τύμπανα|DrumKit|E-Drums|Drums_2|TR-808 Kit|Hi Hat|HiHat|Bass Drum|Hand Claps|Congas|Grosse caisse|Crash Cymbal|Dr."
)
PROGRAMS = {
    40: "Violine 1|Violín|Violon|Geige|Скрипка|バイオリン|小提琴|Vln. II",
    42: "Violoncelle|Violonchelo|Vc.",
    43: "Kontrabaß|Contrebasse|Contrabajo|Double Bass",
    33: "E-Bass|El. Bass|Bass Gtr|Basse électrique|Bajo eléctrico|Basgitaar|Бас-гитара|ベース|P-Bass|5-string bass|"
    "Electric Bass (finger)",
    38: "Synth Bass|SynthBass|Moog Bass",
    25: "Gitarre|Guitarra|Chitarra|Гитара|ギター",
    19: "Orgel|Órgão|Orgue",
    73: "Flöte|Flûte|Flauto|Fluit|Флейта|フルート|Bass Flute",
    71: "Clarinette|Bassklarinette|Klarinette in B",
    70: "Basson|Bassoon",
    56: "Trompete|Trompeta|Tromba|Cornet",
    57: "Posaune|Tenor Trombone",
    66: "Tenor Sax",
    114: "Steel Drums",
    47: "Pauken",
    88: "Choir Pad",
    0: "Klavier|Piano|ピアノ|钢琴",
}
SINGERS = (
    "Ténor|Sopraan|Mezzosopran|Chœur|Kör|Sång|Zang|Голос|Сопрано|ソプラノ|女高音|보컬|Głos|Zpěv|Ének|Männerchor|Vocals|"
    "Singstimme|歌"
)


@pytest.mark.parametrize("name", DRUMS.split("|"))
def test_drums(name: str) -> None:
    assert is_drum_name(name)


@pytest.mark.parametrize(
    ("name", "program"), [(name, program) for program, names in PROGRAMS.items() for name in names.split("|")]
)
def test_instruments(name: str, program: int) -> None:
    found = named_instrument(name)
    assert found is not None
    assert (found.kind, found.program) == ("instrument", program)


@pytest.mark.parametrize("name", SINGERS.split("|"))
def test_singers(name: str) -> None:
    found = named_instrument(name)
    assert found is not None
    assert found.is_singer


@pytest.mark.parametrize("name", ["Bass", "Bass1", "Bass - Clean", "Bas", "Бас", "bajo 2", "Low Bass"])
def test_a_bass_may_be_sung_or_played(name: str) -> None:
    found = named_instrument(name)
    assert found is not None
    assert found.kind == "bass"


@pytest.mark.parametrize(
    "name",
    ["", "Track 3", "Melody", "Bajo el mar", "The Ride Home", "Morgan", "F sharp", "Monticello", "四季の歌だ", "---"],
)
def test_titles_and_numbers_name_nothing(name: str) -> None:
    assert named_instrument(name) is None
