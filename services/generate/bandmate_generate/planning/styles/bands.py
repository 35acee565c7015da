"""Styles of bands with drums in even eighths or sixteenths."""

from bandmate_generate.lyrics.prosody import Feel
from bandmate_generate.planning.styles.parts import FOUR_FOUR, bass, drums, harmony, voice
from bandmate_generate.planning.styles.style import Style, StylePart

POP = Style(
    "pop",
    "a band: a voice, electric piano, a strummed guitar in the choruses, bass and drums",
    "pop",
    (
        voice("Electric guitar", 27),
        harmony("Electric piano", 4, "pop-keys", 40, 77, level=-4.5, pan=-0.2, room=0.2),
        harmony("Guitar", 25, "folk-strum", 52, 82, level=-6.5, pan=0.4, room=0.12, enters=0.6),
        bass("pop-bass", enters=0.3),
        drums(-5.0, enters=0.4),
    ),
    (88, 124),
    (FOUR_FOUR,),
    feel=Feel(syncopation=0.5, dotting=0.2),
    harmony="pop",
    idiom="pop",
    groove="pop",
    loose=0.4,
)

ROCK = Style(
    "rock",
    "a rock band: lead, two guitars, bass and drums",
    "rock",
    (
        StylePart("Lead", "melody", 29, 55, 84, monophonic=True, pan=0.05, room=0.25),
        harmony("Guitar left", 30, "rock-strum", 40, 71, level=-5.0, pan=-0.6, room=0.08, enters=0.35),
        harmony("Guitar right", 29, "rock-broken", 40, 76, level=-6.0, pan=0.6, room=0.08),
        bass("bass-eighths", 34, level=-4.0, room=0.02, enters=0.2),
        drums(-2.5, enters=0.3),
    ),
    (112, 152),
    (FOUR_FOUR,),
    majors=0.3,
    feel=Feel(syncopation=0.6, dotting=0.2),
    harmony="rock",
    idiom="rock",
    groove="rock",
    kit=16,
    loose=0.4,
)

PUNK = Style(
    "punk",
    "a punk band: lead guitar, two distorted guitars in eighths, bass and fast drums",
    "rock",
    (
        StylePart("Lead", "melody", 29, 55, 81, monophonic=True, pan=0.05, room=0.15),
        harmony("Guitar left", 30, "power-eighths", 40, 67, level=-4.5, pan=-0.6, room=0.05),
        harmony("Guitar right", 30, "power-strum", 43, 74, level=-5.5, pan=0.6, room=0.05, enters=0.5),
        bass("bass-eighths", 34, level=-4.0, room=0.02, enters=0.2),
        drums(-2.5, enters=0.3),
    ),
    (160, 196),
    (FOUR_FOUR,),
    majors=0.75,
    feel=Feel(syncopation=0.3),
    harmony="rock",
    idiom="punk",
    groove="punk",
    kit=16,
    loose=0.3,
)

FUNK = Style(
    "funk",
    "a funk band: a voice, scratched guitar, clavinet, bass and drums in sixteenths",
    "pop",
    (
        voice("Alto saxophone", 65),
        harmony("Muted guitar", 28, "scratch", 52, 79, level=-5.5, pan=0.5, room=0.06),
        harmony("Clavinet", 7, "funk-stabs", 48, 77, level=-5.5, pan=-0.4, room=0.08, enters=0.4),
        bass("funk-bass", 36, level=-4.0),
        drums(-4.0),
    ),
    (94, 114),
    (FOUR_FOUR,),
    majors=0.25,
    feel=Feel(syncopation=0.8, dotting=0.2),
    form="groove",
    harmony="funk",
    idiom="funk",
    groove="funk",
    kit=8,
    loose=0.5,
)

DISCO = Style(
    "disco",
    "a disco band: a voice, guitar chops, strings, bass in octaves and four to the floor",
    "pop",
    (
        voice("Synth lead", 81),
        harmony("Clean guitar", 27, "disco-chops", 52, 79, level=-6.0, pan=0.45, room=0.1),
        harmony("Strings", 48, "disco-strings", 55, 88, level=-6.5, pan=-0.3, room=0.3, enters=0.5),
        bass("octaves", level=-4.5, enters=0.15),
        drums(-4.0, enters=0.1),
    ),
    (112, 126),
    (FOUR_FOUR,),
    majors=0.35,
    feel=Feel(syncopation=0.6),
    harmony="disco",
    idiom="dance",
    groove="disco",
    kit=8,
    loose=0.2,
)

SOUL = Style(
    "soul",
    "a soul band: a voice, electric piano, guitar on the backbeat, brass, bass and drums",
    "pop",
    (
        voice("Tenor saxophone", 66),
        harmony("Electric piano", 4, "soul-keys", 45, 77, level=-5.0, pan=-0.25, room=0.15),
        harmony("Guitar", 27, "backbeat-chops", 52, 79, level=-6.5, pan=0.45, room=0.1, enters=0.3),
        harmony("Brass", 61, "brass-hits", 55, 79, level=-6.0, pan=0.2, room=0.2, enters=0.6),
        bass("soul-bass", level=-4.0),
        drums(-4.5, enters=0.25),
    ),
    (86, 112),
    (FOUR_FOUR,),
    majors=0.7,
    feel=Feel(syncopation=0.6, dotting=0.2),
    harmony="soul",
    idiom="soul",
    groove="soul",
    kit=8,
    loose=0.6,
)

HIPHOP = Style(
    "hiphop",
    "a beat: a voice, looped electric piano, low synth bass and a drum machine",
    "pop",
    (
        voice("Vibraphone", 11, 57, 76),
        harmony("Electric piano", 5, "loop-keys", 48, 79, level=-5.0, pan=-0.15, room=0.2),
        harmony("Synth strings", 50, "pad", 52, 79, level=-9.0, pan=0.3, room=0.35, enters=0.6),
        bass("sub-bass", 38, "Synth bass", level=-3.5, enters=0.25),
        drums(-3.0, enters=0.25),
    ),
    (80, 98),
    (FOUR_FOUR,),
    majors=0.2,
    feel=Feel(syncopation=0.7),
    form="groove",
    harmony="soul",
    idiom="funk",
    swing=0.56,
    groove="hiphop",
    kit=25,
    loose=0.4,
)

DRUMS = Style(
    "drums",
    "a drummer alone",
    "groove",
    (drums(0.0),),
    (84, 124),
    (FOUR_FOUR,),
    majors=1.0,
    form="groove",
    groove="solo",
    kit=8,
    loose=0.6,
)
