"""General MIDI: the programs, their families, and the drums. Source: General MIDI System Level 1 (RP-003)."""


def _names(text: str) -> tuple[str, ...]:
    """Names separated by commas, over several lines."""
    return tuple(name.strip() for name in text.replace("\n", " ").split(","))


PROGRAM_NAMES = _names("""
Acoustic Grand Piano, Bright Acoustic Piano, Electric Grand Piano, Honky-tonk Piano, Electric Piano 1,
Electric Piano 2, Harpsichord, Clavinet, Celesta, Glockenspiel, Music Box, Vibraphone, Marimba, Xylophone,
Tubular Bells, Dulcimer, Drawbar Organ, Percussive Organ, Rock Organ, Church Organ, Reed Organ, Accordion,
Harmonica, Tango Accordion, Acoustic Guitar (nylon), Acoustic Guitar (steel), Electric Guitar (jazz),
Electric Guitar (clean), Electric Guitar (muted), Overdriven Guitar, Distortion Guitar, Guitar Harmonics,
Acoustic Bass, Electric Bass (finger), Electric Bass (pick), Fretless Bass, Slap Bass 1, Slap Bass 2, Synth Bass 1,
Synth Bass 2, Violin, Viola, Cello, Contrabass, Tremolo Strings, Pizzicato Strings, Orchestral Harp, Timpani,
String Ensemble 1, String Ensemble 2, Synth Strings 1, Synth Strings 2, Choir Aahs, Voice Oohs, Synth Voice,
Orchestra Hit, Trumpet, Trombone, Tuba, Muted Trumpet, French Horn, Brass Section, Synth Brass 1, Synth Brass 2,
Soprano Sax, Alto Sax, Tenor Sax, Baritone Sax, Oboe, English Horn, Bassoon, Clarinet, Piccolo, Flute, Recorder,
Pan Flute, Blown Bottle, Shakuhachi, Whistle, Ocarina, Lead 1 (square), Lead 2 (sawtooth), Lead 3 (calliope),
Lead 4 (chiff), Lead 5 (charang), Lead 6 (voice), Lead 7 (fifths), Lead 8 (bass + lead), Pad 1 (new age),
Pad 2 (warm), Pad 3 (polysynth), Pad 4 (choir), Pad 5 (bowed), Pad 6 (metallic), Pad 7 (halo), Pad 8 (sweep),
FX 1 (rain), FX 2 (soundtrack), FX 3 (crystal), FX 4 (atmosphere), FX 5 (brightness), FX 6 (goblins),
FX 7 (echoes), FX 8 (sci-fi), Sitar, Banjo, Shamisen, Koto, Kalimba, Bagpipe, Fiddle, Shanai, Tinkle Bell, Agogo,
Steel Drums, Woodblock, Taiko Drum, Melodic Tom, Synth Drum, Reverse Cymbal, Guitar Fret Noise, Breath Noise,
Seashore, Bird Tweet, Telephone Ring, Helicopter, Applause, Gunshot
""")
"""By 0-based program number."""

DRUM_NAMES = dict(
    enumerate(
        _names("""
Acoustic Bass Drum, Bass Drum 1, Side Stick, Acoustic Snare, Hand Clap, Electric Snare, Low Floor Tom,
Closed Hi-Hat, High Floor Tom, Pedal Hi-Hat, Low Tom, Open Hi-Hat, Low-Mid Tom, Hi-Mid Tom, Crash Cymbal 1,
High Tom, Ride Cymbal 1, Chinese Cymbal, Ride Bell, Tambourine, Splash Cymbal, Cowbell, Crash Cymbal 2, Vibraslap,
Ride Cymbal 2, Hi Bongo, Low Bongo, Mute Hi Conga, Open Hi Conga, Low Conga, High Timbale, Low Timbale, High Agogo,
Low Agogo, Cabasa, Maracas, Short Whistle, Long Whistle, Short Guiro, Long Guiro, Claves, Hi Wood Block,
Low Wood Block, Mute Cuica, Open Cuica, Mute Triangle, Open Triangle
"""),
        35,
    )
)
"""By MIDI pitch on channel 10."""

_STAFF = """
35:E4 36:F4 37:C5 38:C5 39:C5 40:C5 41:G4 42:G5 43:A4 44:D4 45:B4 46:G5 47:C5 48:D5 49:A5 50:E5 51:F5 52:B5 53:F5
55:B5 56:E5 57:B5 59:F5
"""
DRUM_STAFF = {int(pitch): place for pitch, place in (entry.split(":") for entry in _STAFF.split())}
"""Where drum notation places a drum on the staff, as a note in the treble clef; the others stand on the middle line.
After Weinberg, Guidelines for Drumset Notation (1998)."""

DRUM_CROSS_HEADS = frozenset((37, 42, 44, 46, 49, 51, 52, 53, 55, 57, 59))
"""Drums written with a cross for a note head: cymbals, hi-hats and the side stick."""

_FAMILIES = _names("""
Piano, Chromatic Percussion, Organ, Guitar, Bass, Strings, Ensemble, Brass, Reed, Pipe, Synth Lead, Synth Pad,
Synth Effects, Ethnic, Percussive, Sound Effects
""")
"""Of eight programs each."""


def family_of(program: int) -> str:
    """'Strings' for 40."""
    return _FAMILIES[program // 8]


def program_name(program: int) -> str:
    """'Violin' for 40."""
    return PROGRAM_NAMES[program]


def instrument_name(program: int, is_drum: bool) -> str:
    """'Violin' for 40; 'Drums' for a drum part, whatever its program."""
    return "Drums" if is_drum else program_name(program)


def drum_name(pitch: int) -> str:
    """'Closed Hi-Hat' for 42; a number for what General MIDI leaves open."""
    return DRUM_NAMES.get(pitch, f"Drum {pitch}")


def is_drum_pitch(pitch: int) -> bool:
    """Whether the standard kit of General MIDI 2 has a drum there."""
    return 27 <= pitch <= 87
