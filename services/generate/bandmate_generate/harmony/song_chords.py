"""Write the chords of all sections of a song: verse and chorus first, then what lives on them.

Intros, solos and endings mostly take over the chords of a verse or a chorus, as they do in songs.
"""

import random
from collections.abc import Mapping, Sequence

from bandmate_music.theory.keys import Mode

from bandmate_generate.form.layout import FormLayout, LaidOutSection
from bandmate_generate.harmony.bass_line import walking_bass
from bandmate_generate.harmony.section_chords import SectionTask, section_bars
from bandmate_generate.harmony.tonal_clarity import clarity
from bandmate_generate.harmony.vocabularies import Ending, Vocabulary
from bandmate_generate.seeds import random_generator

_BORROWERS = {
    "intro": ("verse", "chorus"),
    "interlude": ("chorus", "verse"),
    "solo": ("verse", "chorus"),
    "outro": ("chorus",),
}
_BORROW_SHARE = {"intro": 0.5, "interlude": 0.5, "solo": 0.75, "outro": 0.6}
_BEFORE_CHORUS: tuple[tuple[Ending, float], ...] = (("half", 0.5), ("open", 0.3), ("home", 0.2))
_LAST_HOME_SHARE = 0.6
"""Of the sections that end a song; the others only stop on the tonic."""
_ELSEWHERE: tuple[tuple[Ending, float], ...] = (("home", 0.4), ("half", 0.25), ("open", 0.35))
"""How sections close: about as often on the dominant and on the tonic as the annotated songs'."""


_ATTEMPTS = 4
_CLEAR_SONG = 0.05
"""Lead of the home key, as a difference of correlations."""


def chords_of_letters(layout: FormLayout, mode: Mode, vocabulary: Vocabulary, seed: int) -> dict[str, list[str]]:
    """Letter → the chords of each bar of its longest section, as degrees of the key.

    A song that as a whole is not clearly heard in its key is written again; the clearest of a few is kept.
    """
    best: dict[str, list[str]] = {}
    best_lead = -1.0
    for attempt in range(_ATTEMPTS):
        written = _written(layout, mode, vocabulary, seed, attempt)
        lead = clarity([bar for section in layout.sections for bar in written[section.letter][: section.bars]], mode)
        if lead > best_lead:
            best, best_lead = written, lead
        if lead >= _CLEAR_SONG:
            break
    return best


def _written(layout: FormLayout, mode: Mode, vocabulary: Vocabulary, seed: int, attempt: int) -> dict[str, list[str]]:
    models = {
        letter: max((s for s in layout.sections if s.letter == letter), key=lambda section: section.bars)
        for letter in dict.fromkeys(section.letter for section in layout.sections)
    }
    written: dict[str, list[str]] = {}
    for letter, model in sorted(models.items(), key=lambda item: (item[1].name in _BORROWERS, item[0])):
        rng = random_generator(seed, f"chords of {letter}, {attempt}")
        task = SectionTask(model.name, model.bars, _ending(model, layout, rng))
        source = _source(model, models, written, rng)
        if source is None:
            written[letter] = section_bars(task, mode, vocabulary, list(written.values()), rng)
        else:
            written[letter] = _taken_over(source, task, mode, vocabulary, rng)
    rng = random_generator(seed, "bass line")
    return {letter: walking_bass(bars, vocabulary.walking, rng) for letter, bars in written.items()}


def _source(
    section: LaidOutSection,
    models: Mapping[str, LaidOutSection],
    written: Mapping[str, list[str]],
    rng: random.Random,
) -> list[str] | None:
    """The bars that an intro, a solo or an ending takes over; None where it has chords of its own."""
    names = _BORROWERS.get(section.name, ())
    takes_over = rng.random() < _BORROW_SHARE.get(section.name, 0.0)
    sources = [bars for name in names for letter, bars in written.items() if models[letter].name == name]
    sources = sources or [bars for letter, bars in written.items() if names and len(models[letter].name) == 1]
    return rng.choice(sources) if takes_over and sources else None


def _taken_over(
    source: Sequence[str], task: SectionTask, mode: Mode, vocabulary: Vocabulary, rng: random.Random
) -> list[str]:
    """The bars fitted to another section: from the start, for an ending the last ones; closed as it has to close."""
    rounds = [*source] * -(-task.bars // len(source))
    bars = rounds[len(rounds) - task.bars :] if task.name == "outro" else rounds[: task.bars]
    endings = vocabulary.endings.get((mode, task.ending))
    if endings and task.bars >= 4:
        bars[-2:] = rng.choice(endings).split(" | ")
    return bars


def _ending(section: LaidOutSection, layout: FormLayout, rng: random.Random) -> Ending:
    """How the sections of a letter close: at home where the song ends with one, before a chorus mostly on the
    dominant."""
    alike = [index for index, other in enumerate(layout.sections) if other.letter == section.letter]
    is_last = alike[-1] == len(layout.sections) - 1
    if section.name == "outro" or (is_last and rng.random() < _LAST_HOME_SHARE):
        return "home"
    followers = [layout.sections[index + 1].name for index in alike if index + 1 < len(layout.sections)]
    if section.name in ("intro", "pre-chorus", "interlude"):
        return "half"
    chances = _BEFORE_CHORUS if "chorus" in followers and section.name != "chorus" else _ELSEWHERE
    return rng.choices([ending for ending, _ in chances], [share for _, share in chances])[0]
