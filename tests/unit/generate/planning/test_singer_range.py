"""A song with words is written where its singer is understood best; wishes and songs without words are not touched."""

import pytest
from bandmate_generate.planning.plan import plan_song
from bandmate_generate.planning.song_plan import WritePlan
from bandmate_shared.contracts.songs import SongRequest
from bandmate_shared.contracts.wishes import TrackWish
from bandmate_shared.settings import SharedSettings

WORDS = "The kettle sings, the window glows\nA fiddle hums beneath the snow"


def melody_range(**request: object) -> tuple[int, int]:
    plan = plan_song(SongRequest.model_validate({"style": "folk", "bars": 8, **request}), 7, SharedSettings())
    assert isinstance(plan, WritePlan)
    assert plan.melody is not None
    return plan.specs[plan.melody].low, plan.specs[plan.melody].high


@pytest.mark.parametrize(
    ("voice", "expected"), [(None, (53, 70)), ("tenor", (46, 64)), ("Child", (60, 74)), ("en-gb+f5", (57, 76))]
)
def test_the_melody_lies_in_the_singers_range(voice: str | None, expected: tuple[int, int]) -> None:
    assert melody_range(lyrics=WORDS, voice=voice) == expected
    assert melody_range(lyrics=WORDS, voice=voice, instruments=["voice", "piano"]) == expected


def test_a_wished_range_holds() -> None:
    tracks = [TrackWish(instrument="voice", low=60, high=79).model_dump()]
    assert melody_range(lyrics=WORDS, voice="tenor", tracks=tracks) == (60, 79)


def test_without_words_the_style_decides() -> None:
    assert melody_range(voice="tenor") == (57, 76)
