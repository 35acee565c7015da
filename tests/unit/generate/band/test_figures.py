"""The tables of figures and grooves fit the styles and each other."""

import pytest
from bandmate_generate.band.bass_figures import BASS_ALTERNATIVES, BASS_FIGURES
from bandmate_generate.band.groove_bank import PITCHES, groove_family
from bandmate_generate.band.harmony_figures import ALTERNATIVES, HARMONY_FIGURES
from bandmate_generate.form.form_style import form_style_names
from bandmate_generate.harmony.vocabularies import vocabulary_names
from bandmate_generate.lead.idioms import IDIOMS
from bandmate_generate.planning.styles import STYLES
from bandmate_music.theory.metre import Metre

LINES = [
    (name, line)
    for name, harmony in HARMONY_FIGURES.items()
    for layers in (harmony.usual, harmony.calm or (), harmony.full or ())
    for layer in layers
    for line in (layer.line, layer.turn)
    if line is not None
] + [
    (name, line)
    for name, bass in BASS_FIGURES.items()
    for layer in (bass.usual, bass.calm, bass.full)
    if layer is not None
    for line in (layer.line, layer.turn)
    if line is not None
]


@pytest.mark.parametrize(("name", "line"), LINES)
def test_lines_have_whole_bars(name: str, line: object) -> None:
    allowed = set("-.|" + ("RrFfTtSsVvOoWwAaNnXx" if name in BASS_FIGURES else "CcHhTtRrFfOoPpDdQqMmLlKk123456789"))
    for field, slots in (("four", 16), ("three", 12), ("six", 12)):
        text = getattr(line, field)
        assert text is None or all(len(bar) == slots for bar in text.split("|"))
        assert set(text or "") <= allowed


@pytest.mark.parametrize("style", STYLES.values(), ids=STYLES)
def test_styles_name_figures_and_grooves_that_exist(style: object) -> None:
    for part in style.parts:  # type: ignore[attr-defined]
        known = BASS_FIGURES if part.role == "bass" else HARMONY_FIGURES
        assert part.figure is None or part.figure in known or (part.is_drum and part.figure == "drums")
    if style.groove is not None:  # type: ignore[attr-defined]
        family = groove_family(style.groove, Metre(4, 4))  # type: ignore[attr-defined]
        assert len(family.grooves) >= 3
        assert len(family.fills) >= 3
        assert all(set(groove.lines) <= set(PITCHES) for groove in family.grooves)


@pytest.mark.parametrize("style", STYLES.values(), ids=STYLES)
def test_styles_name_forms_vocabularies_and_idioms_that_exist(style: object) -> None:
    assert style.form in form_style_names()  # type: ignore[attr-defined]
    assert style.harmony in vocabulary_names()  # type: ignore[attr-defined]
    assert style.idiom in IDIOMS  # type: ignore[attr-defined]
    assert 0.5 <= style.swing < 0.75  # type: ignore[attr-defined]


def test_figures_stand_in_for_figures_of_their_table() -> None:
    for table, alternatives in ((HARMONY_FIGURES, ALTERNATIVES), (BASS_FIGURES, BASS_ALTERNATIVES)):
        for name, others in alternatives.items():
            assert name in others
            assert set(others) <= set(table)


def test_metres_that_were_recorded_have_their_own_grooves() -> None:
    assert groove_family("jazz", Metre(3, 4)) != groove_family("jazz", Metre(4, 4))
    assert groove_family("rock", Metre(6, 8)) != groove_family("rock", Metre(4, 4))
