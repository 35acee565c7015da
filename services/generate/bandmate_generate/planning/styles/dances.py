"""Styles that swing, and those of the Caribbean and of Brazil."""

from bandmate_generate.lyrics.prosody import Feel
from bandmate_generate.planning.styles.parts import FOUR_FOUR, THREE_FOUR, bass, double_bass, drums, harmony, voice
from bandmate_generate.planning.styles.style import Style

REGGAE = Style(
    "reggae",
    "a reggae band: a voice, guitar off the beat, organ, heavy bass and one-drop drums",
    "pop",
    (
        voice("Harmonica", 22),
        harmony("Guitar", 28, "skank", 52, 77, level=-6.0, pan=0.4, room=0.12),
        harmony("Organ", 16, "bubble", 48, 77, level=-7.0, pan=-0.4, room=0.15, enters=0.35),
        bass("reggae-bass", 33, level=-3.0),
        drums(-4.5, enters=0.1),
    ),
    (70, 88),
    (FOUR_FOUR,),
    majors=0.55,
    feel=Feel(syncopation=0.5, dotting=0.2),
    harmony="reggae",
    idiom="reggae",
    swing=0.57,
    groove="reggae",
    loose=0.5,
)

BOSSA = Style(
    "bossa",
    "bossa nova: a voice, nylon-string guitar, electric piano, double bass and soft drums",
    "pop",
    (
        voice("Flute", 73, 60, 79),
        harmony("Nylon guitar", 24, "bossa", 45, 76, level=-3.5, pan=-0.2),
        harmony("Electric piano", 4, "half-pads", 48, 79, level=-7.5, pan=0.35, room=0.25, enters=0.55),
        double_bass("bossa-bass", level=-5.0),
        drums(-8.0, enters=0.3),
    ),
    (116, 144),
    (FOUR_FOUR,),
    majors=0.6,
    feel=Feel(syncopation=0.8),
    form="aaba",
    harmony="bossa",
    idiom="latin",
    groove="bossa",
    kit=40,
    loose=0.5,
)

LATIN = Style(
    "latin",
    "a dance band from Cuba: trumpet, piano montuno, brass, tumbao bass, drums and the son clave",
    "pop",
    (
        voice("Trumpet", 56, 58, 77),
        harmony("Piano", 0, "montuno", 48, 84, level=-4.5, pan=-0.25),
        harmony("Brass", 61, "brass-hits", 55, 79, level=-6.5, pan=0.3, room=0.2, enters=0.6),
        bass("tumbao", 32, "Double bass", level=-4.0),
        drums(-4.5),
    ),
    (92, 116),
    (FOUR_FOUR,),
    majors=0.3,
    feel=Feel(syncopation=0.8),
    form="groove",
    harmony="pop",
    idiom="latin",
    groove="latin",
    loose=0.4,
)

BLUES = Style(
    "blues",
    "a blues shuffle: a voice, shuffling guitar, piano, bass and drums, twelve bars at a time",
    "pop",
    (
        voice("Harmonica", 22),
        harmony("Guitar", 27, "shuffle", 40, 67, level=-4.5, pan=-0.35, room=0.1),
        harmony("Piano", 0, "blues-comping", 48, 79, level=-6.0, pan=0.35, enters=0.45),
        bass("shuffle-bass", 33, level=-4.5),
        drums(-4.5, enters=0.15),
    ),
    (88, 124),
    (FOUR_FOUR,),
    majors=0.85,
    feel=Feel(syncopation=0.5, dotting=0.2),
    form="blues",
    harmony="blues",
    idiom="blues",
    swing=0.66,
    groove="shuffle",
    kit=8,
    loose=0.6,
)

SWING = Style(
    "swing",
    "a jazz quintet in four: a voice, piano, guitar, walking bass and a ride cymbal",
    "pop",
    (
        voice("Trumpet", 56, 58, 77),
        harmony("Piano", 0, "charleston", 48, 79, level=-4.5, pan=-0.3),
        harmony("Jazz guitar", 26, "four-to-the-bar", 45, 72, level=-8.0, pan=0.35, enters=0.45),
        double_bass("walking", level=-4.5),
        drums(-6.5),
    ),
    (120, 176),
    (FOUR_FOUR,),
    majors=0.7,
    feel=Feel(syncopation=0.7),
    form="aaba",
    harmony="jazz",
    idiom="jazz",
    swing=0.64,
    groove="jazz",
    kit=32,
    loose=0.6,
)

JAZZ_WALTZ = Style(
    "jazz-waltz",
    "a jazz waltz: a voice, piano, guitar, double bass and brushes",
    "pop",
    (
        voice("Tenor saxophone", 66),
        harmony("Piano", 0, "charleston", 48, 79, level=-4.0, pan=-0.25),
        harmony("Vibraphone", 11, "shells", 53, 77, level=-7.0, pan=0.35, room=0.3, enters=0.55),
        double_bass("walking", level=-4.5),
        drums(-7.0, enters=0.1),
    ),
    (126, 168),
    (THREE_FOUR,),
    majors=0.6,
    feel=Feel(syncopation=0.6),
    form="aaba",
    harmony="jazz",
    idiom="jazz",
    swing=0.62,
    groove="jazz",
    kit=40,
    loose=0.6,
)
