"""Composing a song with a form: who writes which part, what the model is asked, and how its answer becomes the song."""

import random

import pytest
from bandmate_generate.compose import Candidates, compose, divide, with_lead
from bandmate_generate.planning.digest import digest_of, pitches_by_time
from bandmate_generate.planning.plan import plan_song
from bandmate_generate.planning.song_plan import WritePlan
from bandmate_generate.scoring.check import BadComposition
from bandmate_music.note_rows import NoteRow
from bandmate_shared.contracts.composition import ComposedTake, CompositionAnswer, CompositionRequest
from bandmate_shared.contracts.songs import Originality, SongRequest
from bandmate_shared.settings import SharedSettings

WORDS = """[Verse 1]
The boats are sleeping in the bay
The gulls have flown and gone away
[Chorus]
Carry me over the water
Carry me over the foam
[Verse 2]
The tide is turning on the sand
I hold the morning in my hand
[Chorus]
"""
SONG = {"style": "song", "metre": "4/4", "tempo": 90, "lyrics": WORDS}


def planned(settings: SharedSettings, seed: int = 4, **fields: object) -> tuple[SongRequest, WritePlan]:
    request = SongRequest.model_validate(fields)
    plan = plan_song(request, seed, settings)
    assert isinstance(plan, WritePlan)
    return request, plan


class Model:
    """Answers with a chord tone at each beat of what is to be composed, and remembers what it was asked."""

    def __init__(self, pitch_offset: int = 0) -> None:
        self.requests: list[CompositionRequest] = []
        self.pitch_offset = pitch_offset

    def __call__(self, request: CompositionRequest) -> CompositionAnswer:
        self.requests.append(request)
        takes = [self._take(request, seed) for seed in request.seeds]
        return CompositionAnswer(takes=takes, model={}, seconds=0.0)

    def _take(self, request: CompositionRequest, seed: int) -> ComposedTake:
        roll = random.Random(seed)
        rows = [NoteRow._make(row) for row in request.prompt]
        for hole in request.holes or []:
            spec = request.parts[hole.part]
            if hole.part in request.rhythm:
                spans = [(note.onset, note.duration) for note in request.rhythm[hole.part]]
            else:
                spans = [(tick, 20) for tick in range(0, request.frame.end, 24)]
            for onset, duration in spans:
                chord = next(c for c in request.chords if c.onset <= onset < c.onset + c.duration)
                pitches = [p for p in range(spec.low, spec.high + 1) if p % 12 in chord.pitch_classes]
                rows.append(NoteRow(hole.part, onset, duration, roll.choice(pitches) + self.pitch_offset, 70))
        rows.sort(key=lambda row: (row.onset, row.part, row.pitch))
        originality = Originality()
        return ComposedTake(seed=seed, notes=list(rows), log_likelihood=-1.0, tokens=1, originality=originality)


def composed(settings: SharedSettings, model: Model, is_own_model: bool = False, **fields: object) -> Candidates:
    request, plan = planned(settings, **fields)
    return compose(request, plan, 2, model, is_own_model=is_own_model)


def of_part(take: ComposedTake, part: int, start: int = 0, end: int = 1 << 30) -> list[tuple[int, int, int]]:
    """Onset from `start`, duration and pitch of the part's notes that begin there."""
    return [(row[1] - start, row[2], row[3]) for row in take.notes if row[0] == part and start <= row[1] < end]


def test_the_model_composes_each_letter_once_around_the_tune(settings: SharedSettings) -> None:
    model = Model()
    result = composed(settings, model, **SONG)
    (request,) = model.requests
    plan = result.plan
    assert isinstance(plan, WritePlan)
    assert plan.form is not None
    letters = {section.letter: plan.form.model(section.letter).bars for section in plan.form.sections}
    assert request.bars == sum(letters.values()) < plan.bars
    assert {hole.part for hole in request.holes or []} == {1}
    assert {row[0] for row in request.prompt} == {0}
    assert sum(chord.duration for chord in request.chords) == request.frame.end
    assert len(result.takes) == 2


def test_what_returns_is_what_was_heard_before(settings: SharedSettings) -> None:
    result = composed(settings, Model(), **SONG)
    plan, take = result.plan, result.takes[0]
    assert isinstance(plan, WritePlan)
    assert plan.form is not None
    choruses = [section for section in plan.form.sections if section.name == "chorus"]
    assert len(choruses) == 2
    spans = [(plan.frame.start(section.first_bar), plan.frame.start(section.end_bar)) for section in choruses]
    first, second = (of_part(take, 1, *span) for span in spans)
    last_bar = plan.frame.start(plan.bars - 1) - spans[1][0]
    assert [row for row in first if row[0] < last_bar] == [row for row in second if row[0] < last_bar]
    assert of_part(take, 1)[0][0] == 0


def test_each_syllable_is_on_the_note_of_the_tune(settings: SharedSettings) -> None:
    result = composed(settings, Model(), **SONG)
    plan = result.plan
    assert isinstance(plan, WritePlan)
    for take in result.takes:
        assert of_part(take, 0) == [(note.onset, note.duration, note.pitch) for note in plan.lead]
    words = "".join(note.syllable.text for note in plan.sung if note.syllable is not None)
    assert words.lower().count("carry") == 4


def test_figures_need_no_model(settings: SharedSettings) -> None:
    model = Model()
    result = composed(settings, model, style="pop", bars=16)
    assert model.requests == []
    assert {row[0] for row in result.takes[0].notes} == set(range(len(result.plan.specs)))
    assert result.takes[0].notes == composed(settings, model, style="pop", bars=16).takes[0].notes


@pytest.mark.parametrize(
    ("fields", "own", "parts", "melody"),
    [
        ({"style": "folk"}, False, set(), False),
        ({"style": "folk", "density": "full"}, False, {0, 1, 2}, True),
        ({"style": "folk", "density": "full", "lyrics": WORDS}, False, {1, 2}, False),
        ({"style": "folk", "temperature": 1.3}, False, {0, 1, 2}, True),
        ({"style": "folk"}, True, {0, 1, 2}, True),
        ({"style": "song"}, False, {1}, False),
        ({"tracks": [{"instrument": "flute"}, {"instrument": "piano", "density": 2}]}, False, {1}, False),
    ],
)
def test_wishes_for_the_models_notes_are_for_the_model(
    settings: SharedSettings, fields: dict[str, object], own: bool, parts: set[int], melody: bool
) -> None:
    request, plan = planned(settings, **fields)
    division = divide(request, plan, is_own_model=own)
    assert (division.composed, division.melody_by_model) == (parts, melody)


def test_an_own_model_sings_the_words_with_its_pitches(settings: SharedSettings) -> None:
    model = Model()
    result = composed(settings, model, is_own_model=True, **{**SONG, "style": "folk"})
    (request,) = model.requests
    plan, take = result.plan, result.takes[0]
    assert isinstance(plan, WritePlan)
    assert [(onset, duration) for onset, duration, _ in of_part(take, 0)] == [
        (note.onset, note.duration) for note in plan.lead
    ]
    assert [pitch for _, _, pitch in of_part(take, 0)] != [note.pitch for note in plan.lead]
    assert {hole.part for hole in request.holes or []} == {0, 1, 2}


def test_an_answer_outside_its_frame_is_refused(settings: SharedSettings) -> None:
    with pytest.raises(BadComposition, match="the model wrote pitch"):
        composed(settings, Model(pitch_offset=60), **SONG)


def test_one_broken_candidate_does_not_fail_the_others(settings: SharedSettings) -> None:
    class HalfBroken(Model):
        def __call__(self, request: CompositionRequest) -> CompositionAnswer:
            answer = super().__call__(request)
            broken = answer.takes[0].model_copy(update={"notes": [*answer.takes[0].notes, (1, -1, 10, 60, 70)]})
            return answer.model_copy(update={"takes": [broken, *answer.takes[1:]]})

    result = composed(settings, HalfBroken(), **SONG)
    assert len(result.takes) == 1
    (refused,) = result.refused
    assert refused.refused is not None
    assert "outside the bars" in refused.refused


def test_a_shorter_return_is_the_first_bars_of_its_letter(settings: SharedSettings) -> None:
    sections = [{"name": "verse", "bars": 8}, {"name": "chorus", "bars": 8}, {"name": "verse", "bars": 4}]
    _, plan = planned(settings, style="song", metre="4/4", sections=sections)
    plan = with_lead(plan)
    digest = digest_of(plan)
    request = digest.request({1}, 1, melody_by_model=False, fixed_rhythm=True)
    assert plan.form is not None
    rows = digest.expanded(digest.composed_rows(Model()(request).takes[0]))
    first, last = plan.form.sections[0], plan.form.sections[2]
    assert first.letter == last.letter
    start = plan.frame.start(last.first_bar)
    returned = [(row.onset - start, row.pitch) for row in rows if row.onset >= start]
    assert returned == [(row.onset, row.pitch) for row in rows if row.onset < 4 * 96]
    assert max(row.end for row in rows) <= plan.frame.end


def test_pitches_follow_the_time_at_which_they_sound() -> None:
    rows = [NoteRow(0, 24, 24, 60, 70), NoteRow(0, 48, 48, 64, 70)]
    assert pitches_by_time([0, 24, 36, 48, 90], rows) == [60, 60, 60, 64, 64]
