"""Styles around a song or a written line: voices, pianos, guitars, strings and winds."""

from bandmate_generate.lyrics.prosody import Feel
from bandmate_generate.planning.styles.parts import (
    FOUR_FOUR,
    SIX_EIGHT,
    THREE_FOUR,
    TWO_FOUR,
    bass,
    choir,
    double_bass,
    drums,
    harmony,
    voice,
)
from bandmate_generate.planning.styles.style import Style, StylePart

SONG = Style(
    "song",
    "an art song: a voice and a piano",
    "song",
    (
        voice("Flute", 73, 60, 79),
        StylePart("Piano", "harmony", 0, 31, 79, level=-4.0, room=0.22),
    ),
    (72, 108),
    (FOUR_FOUR, FOUR_FOUR, THREE_FOUR, SIX_EIGHT),
    form="strophic",
    harmony="art",
    idiom="art",
    loose=0.6,
    temperature=0.85,
)

FOLK = Style(
    "folk",
    "a folk song: a voice, a steel-string guitar and a double bass",
    "pop",
    (
        voice("Fiddle", 40),
        harmony("Guitar", 25, "folk-picking", 40, 74, pan=-0.2),
        double_bass("root-fifth", enters=0.3),
    ),
    (84, 120),
    (FOUR_FOUR, FOUR_FOUR, THREE_FOUR, SIX_EIGHT),
    majors=0.7,
    feel=Feel(dotting=0.15),
    form="strophic",
    harmony="folk",
    idiom="folk",
    loose=0.6,
)

BALLAD = Style(
    "ballad",
    "a slow song: a voice, a piano, strings, bass and soft drums",
    "pop",
    (
        voice("Oboe", 68, 60, 79),
        harmony("Piano", 0, "ballad", 36, 84, level=-3.5, pan=-0.1, room=0.25),
        harmony("Strings", 48, "pad", 48, 84, level=-7.0, pan=0.3, room=0.4, enters=0.55),
        bass("ballad-bass", enters=0.35),
        drums(-8.0, enters=0.5),
    ),
    (60, 78),
    (FOUR_FOUR, FOUR_FOUR, SIX_EIGHT),
    feel=Feel(syncopation=0.2, dotting=0.2),
    harmony="pop",
    idiom="ballad",
    groove="ballad",
    loose=0.7,
)

COUNTRY = Style(
    "country",
    "a country band: a voice, two guitars, bass and drums",
    "pop",
    (
        voice("Steel guitar", 26),
        harmony("Guitar", 25, "boom-chick", 40, 74, pan=-0.3),
        harmony("Electric guitar", 27, "country-rolls", 48, 79, level=-6.0, pan=0.4, enters=0.45),
        bass("root-fifth"),
        drums(-6.0, enters=0.3),
    ),
    (104, 138),
    (FOUR_FOUR,),
    majors=0.9,
    feel=Feel(syncopation=0.2, dotting=0.2),
    harmony="country",
    idiom="country",
    groove="country",
    loose=0.5,
)

HYMN = Style(
    "hymn",
    "a congregation's hymn: a voice over an organ in four parts",
    "chorale",
    (
        voice("Trumpet", 56, 60, 77),
        harmony("Organ", 19, "hymn", 36, 74, level=-3.0, room=0.5),
    ),
    (84, 108),
    (FOUR_FOUR, FOUR_FOUR, THREE_FOUR),
    majors=0.85,
    form="hymn",
    harmony="hymn",
    idiom="hymn",
    loose=0.3,
)

CHORALE = Style(
    "chorale",
    "a hymn for four voices",
    "chorale",
    (
        choir("Soprano", "melody", 60, 79, -0.15, 0.0),
        choir("Alto", "harmony", 55, 74, 0.25, -3.0),
        choir("Tenor", "harmony", 48, 69, -0.3, -3.0),
        choir("Bass", "bass", 40, 62, 0.2, -2.5),
    ),
    (66, 92),
    (FOUR_FOUR,),
    majors=0.55,
    form="hymn",
    harmony="chorale",
    idiom="hymn",
    loose=0.3,
)

QUARTET = Style(
    "quartet",
    "a string quartet",
    "quartet",
    (
        StylePart("Violin I", "melody", 40, 55, 96, pan=-0.45, room=0.35),
        StylePart("Violin II", "harmony", 40, 55, 88, level=-2.5, pan=-0.15, room=0.35),
        StylePart("Viola", "harmony", 41, 48, 79, level=-2.5, pan=0.2, room=0.35),
        StylePart("Cello", "bass", 42, 36, 67, level=-1.5, pan=0.45, room=0.35),
    ),
    (84, 126),
    (FOUR_FOUR, FOUR_FOUR, THREE_FOUR, TWO_FOUR),
    form="movement",
    harmony="art",
    idiom="art",
    loose=0.6,
)

MARCH = Style(
    "march",
    "a marching band: trumpet, horns, trombone, tuba and drums",
    "quartet",
    (
        StylePart("Trumpet", "melody", 56, 58, 81, monophonic=True, room=0.25),
        harmony("Horns", 61, "off-beats", 50, 74, level=-5.0, pan=-0.35, room=0.25),
        harmony("Trombone", 57, "counter-line", 45, 67, level=-5.0, pan=0.3, room=0.25, enters=0.5, monophonic=True),
        bass("oom-pah", 58, "Tuba", level=-4.0, room=0.2),
        drums(-5.0, enters=0.2),
    ),
    (108, 124),
    (TWO_FOUR, FOUR_FOUR, SIX_EIGHT),
    majors=0.95,
    feel=Feel(dotting=0.4),
    form="march",
    harmony="march",
    idiom="march",
    groove="march",
    loose=0.2,
)

WALTZ = Style(
    "waltz",
    "a ballroom waltz: violin, clarinet, accordion and double bass",
    "quartet",
    (
        StylePart("Violin", "melody", 40, 57, 88, monophonic=True, pan=-0.1, room=0.3),
        harmony("Accordion", 21, "oom-pah-pah", 53, 77, level=-5.0, pan=0.3, room=0.25),
        harmony("Clarinet", 71, "counter-line", 52, 77, level=-5.5, pan=-0.35, room=0.3, enters=0.5, monophonic=True),
        double_bass("waltz-bass", level=-5.0),
    ),
    (144, 180),
    (THREE_FOUR,),
    majors=0.75,
    feel=Feel(dotting=0.2),
    form="strains",
    harmony="folk",
    idiom="waltz",
    loose=0.6,
)
