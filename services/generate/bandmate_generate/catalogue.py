"""What a song may be asked for: lists of the styles and instruments, and the limits on a request."""

from contextlib import suppress

from bandmate_music.general_midi import PROGRAM_NAMES, family_of
from bandmate_music.instruments import VOICE_PROGRAMS, other_names, playing_range
from bandmate_shared.contracts.catalogue import (
    InstrumentList,
    InstrumentView,
    LimitsView,
    StyleList,
    StyleTrack,
    StyleView,
)
from bandmate_shared.contracts.songs import MAX_LYRIC_LINES, MAX_PROMPT_CHARACTERS, MAX_TAKES, MAX_TEMPO, MIN_TEMPO
from bandmate_shared.contracts.wishes import MAX_BARS, MAX_LYRIC_CHARACTERS, MAX_SECTIONS, MAX_SONG_SECONDS, MAX_TRACKS
from bandmate_shared.errors import NotFound
from bandmate_shared.objects.base import Storage
from bandmate_shared.registry.models import SHARED_TENANT, UnknownModel, is_starter, list_models, resolve_model
from bandmate_shared.settings import SharedSettings

from bandmate_generate.endpoints.base import learnt_of
from bandmate_generate.planning.learnt import Learnt
from bandmate_generate.planning.styles import STYLES, Style, find_style

_DRUM_RANGE = (27, 87)
"""General MIDI's drum keys, with those of the GS set."""


def styles(storage: Storage, tenant: str = SHARED_TENANT) -> StyleList:
    """Every style in the order of the style table, then the tenant's own, by name."""
    return StyleList(items=[*(_style(style) for style in STYLES.values()), *_own_styles(storage, tenant)])


def _own_styles(storage: Storage, tenant: str) -> list[StyleView]:
    """What the tenant's models have learnt besides the table; of a style that several know, the newest one's."""
    in_production = Learnt()
    with suppress(UnknownModel, NotFound):
        in_production = learnt_of(storage, resolve_model(storage, None, tenant))
    found: dict[str, StyleView] = {}
    learnt_by_starter: set[str] = set()
    for model in list_models(storage, tenant):
        learnt = Learnt()
        with suppress(NotFound):  # Its files are lost; its manifest is not.
            learnt = learnt_of(storage, model)
        if is_starter(storage, model):
            learnt_by_starter.update(learnt.styles)
            continue
        for name in learnt.styles:
            needed = None if name in in_production.styles else model.id
            if name not in STYLES:
                found.setdefault(name, _style(find_style(name, learnt), own=True, model=needed))
    return [found[name] for name in sorted(found) if name not in learnt_by_starter]


def instruments() -> InstrumentList:
    """The 128 General MIDI programs and the drum kit."""
    items = [
        InstrumentView(
            name=name,
            program=program,
            family=family_of(program),
            names=other_names(program),
            is_voice=program in VOICE_PROGRAMS,
            low=playing_range(program)[0],
            high=playing_range(program)[1],
        )
        for program, name in enumerate(PROGRAM_NAMES)
    ]
    low, high = _DRUM_RANGE
    drums = InstrumentView(
        name="Drums", program=0, family="Drums", names=other_names(None), is_drum=True, low=low, high=high
    )
    return InstrumentList(items=[*items, drums])


def limits(settings: SharedSettings) -> LimitsView:
    """The bounds that these settings give."""
    return LimitsView(
        bars=MAX_BARS,
        seconds=MAX_SONG_SECONDS,
        tracks=MAX_TRACKS,
        takes=MAX_TAKES,
        sections=MAX_SECTIONS,
        lyric_characters=MAX_LYRIC_CHARACTERS,
        lyric_lines=MAX_LYRIC_LINES,
        tempo_min=MIN_TEMPO,
        tempo_max=MAX_TEMPO,
        prompt_bytes=MAX_PROMPT_CHARACTERS // 4 * 3,
        body_bytes=settings.max_body_bytes,
        upload_bytes=settings.max_upload_bytes,
        upload_quota_bytes=settings.upload_quota_bytes,
        upload_days=settings.upload_days,
        file_bytes=settings.max_file_bytes,
        file_notes=settings.max_notes,
        unfinished_jobs=settings.queue_quota,
    )


def _style(style: Style, *, own: bool = False, model: str | None = None) -> StyleView:
    return StyleView(
        name=style.name,
        description=style.description,
        tempi=style.tempi,
        metres=list(dict.fromkeys(metre.name for metre in style.metres)),
        majors=style.majors,
        can_sing=style.melody is not None,
        voice=style.singer,
        tracks=[
            StyleTrack(
                name=part.name,
                role=part.role,
                instrument="Drums" if part.is_drum else PROGRAM_NAMES[part.program],
                program=part.program,
                is_voice=part.is_voice,
            )
            for part in style.parts
        ],
        own=own,
        model=model,
    )
