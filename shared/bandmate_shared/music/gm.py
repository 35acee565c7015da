"""General MIDI: the programs, their families, and the drums. Source: General MIDI System Level 1 (RP-003)."""

import re

PROGRAM_NAMES: tuple[str, ...] = (
    "Acoustic Grand Piano", "Bright Acoustic Piano", "Electric Grand Piano", "Honky-tonk Piano",
    "Electric Piano 1", "Electric Piano 2", "Harpsichord", "Clavinet",
    "Celesta", "Glockenspiel", "Music Box", "Vibraphone",
    "Marimba", "Xylophone", "Tubular Bells", "Dulcimer",
    "Drawbar Organ", "Percussive Organ", "Rock Organ", "Church Organ",
    "Reed Organ", "Accordion", "Harmonica", "Tango Accordion",
    "Acoustic Guitar (nylon)", "Acoustic Guitar (steel)", "Electric Guitar (jazz)", "Electric Guitar (clean)",
    "Electric Guitar (muted)", "Overdriven Guitar", "Distortion Guitar", "Guitar Harmonics",
    "Acoustic Bass", "Electric Bass (finger)", "Electric Bass (pick)", "Fretless Bass",
    "Slap Bass 1", "Slap Bass 2", "Synth Bass 1", "Synth Bass 2",
    "Violin", "Viola", "Cello", "Contrabass",
    "Tremolo Strings", "Pizzicato Strings", "Orchestral Harp", "Timpani",
    "String Ensemble 1", "String Ensemble 2", "Synth Strings 1", "Synth Strings 2",
    "Choir Aahs", "Voice Oohs", "Synth Voice", "Orchestra Hit",
    "Trumpet", "Trombone", "Tuba", "Muted Trumpet",
    "French Horn", "Brass Section", "Synth Brass 1", "Synth Brass 2",
    "Soprano Sax", "Alto Sax", "Tenor Sax", "Baritone Sax",
    "Oboe", "English Horn", "Bassoon", "Clarinet",
    "Piccolo", "Flute", "Recorder", "Pan Flute",
    "Blown Bottle", "Shakuhachi", "Whistle", "Ocarina",
    "Lead 1 (square)", "Lead 2 (sawtooth)", "Lead 3 (calliope)", "Lead 4 (chiff)",
    "Lead 5 (charang)", "Lead 6 (voice)", "Lead 7 (fifths)", "Lead 8 (bass + lead)",
    "Pad 1 (new age)", "Pad 2 (warm)", "Pad 3 (polysynth)", "Pad 4 (choir)",
    "Pad 5 (bowed)", "Pad 6 (metallic)", "Pad 7 (halo)", "Pad 8 (sweep)",
    "FX 1 (rain)", "FX 2 (soundtrack)", "FX 3 (crystal)", "FX 4 (atmosphere)",
    "FX 5 (brightness)", "FX 6 (goblins)", "FX 7 (echoes)", "FX 8 (sci-fi)",
    "Sitar", "Banjo", "Shamisen", "Koto",
    "Kalimba", "Bagpipe", "Fiddle", "Shanai",
    "Tinkle Bell", "Agogo", "Steel Drums", "Woodblock",
    "Taiko Drum", "Melodic Tom", "Synth Drum", "Reverse Cymbal",
    "Guitar Fret Noise", "Breath Noise", "Seashore", "Bird Tweet",
    "Telephone Ring", "Helicopter", "Applause", "Gunshot",
)  # fmt: skip
"""By 0-based program number."""

FAMILY_NAMES: tuple[str, ...] = (
    "Piano", "Chromatic Percussion", "Organ", "Guitar", "Bass", "Strings", "Ensemble", "Brass",
    "Reed", "Pipe", "Synth Lead", "Synth Pad", "Synth Effects", "Ethnic", "Percussive", "Sound Effects",
)  # fmt: skip
"""Eight programs each."""

DRUM_NAMES: dict[int, str] = {
    35: "Acoustic Bass Drum", 36: "Bass Drum 1", 37: "Side Stick", 38: "Acoustic Snare", 39: "Hand Clap",
    40: "Electric Snare", 41: "Low Floor Tom", 42: "Closed Hi-Hat", 43: "High Floor Tom", 44: "Pedal Hi-Hat",
    45: "Low Tom", 46: "Open Hi-Hat", 47: "Low-Mid Tom", 48: "Hi-Mid Tom", 49: "Crash Cymbal 1", 50: "High Tom",
    51: "Ride Cymbal 1", 52: "Chinese Cymbal", 53: "Ride Bell", 54: "Tambourine", 55: "Splash Cymbal", 56: "Cowbell",
    57: "Crash Cymbal 2", 58: "Vibraslap", 59: "Ride Cymbal 2", 60: "Hi Bongo", 61: "Low Bongo", 62: "Mute Hi Conga",
    63: "Open Hi Conga", 64: "Low Conga", 65: "High Timbale", 66: "Low Timbale", 67: "High Agogo", 68: "Low Agogo",
    69: "Cabasa", 70: "Maracas", 71: "Short Whistle", 72: "Long Whistle", 73: "Short Guiro", 74: "Long Guiro",
    75: "Claves", 76: "Hi Wood Block", 77: "Low Wood Block", 78: "Mute Cuica", 79: "Open Cuica", 80: "Mute Triangle",
    81: "Open Triangle",
}  # fmt: skip
"""By MIDI pitch on channel 10."""

DRUM_STAFF: dict[int, str] = {
    35: "E4", 36: "F4", 37: "C5", 38: "C5", 39: "C5", 40: "C5", 41: "G4", 42: "G5", 43: "A4", 44: "D4", 45: "B4",
    46: "G5", 47: "C5", 48: "D5", 49: "A5", 50: "E5", 51: "F5", 52: "B5", 53: "F5", 55: "B5", 56: "E5", 57: "B5",
    59: "F5",
}  # fmt: skip
"""Where drum notation places a drum on the staff, as a note in the treble clef; the others stand on the middle line.
After Weinberg, Guidelines for Drumset Notation (1998)."""

DRUM_CROSS_HEADS = frozenset((37, 42, 44, 46, 49, 51, 52, 53, 55, 57, 59))
"""Drums written with a cross for a note head: cymbals, hi-hats and the side stick."""

_FROM_NAME: tuple[tuple[str, int], ...] = (
    (r"voice|vocal|singer|gesang|stimme|chant|canto|voix|soprano(?! sax)|alto(?! sax)|tenor(?! sax)|baritone(?! sax)"
     r"|mezzo|choir|chorus|lyrics", 52),
    (r"harpsichord|cembalo|clavecin", 6), (r"harmonium", 20), (r"organ|orgel|orgue", 19), (r"harp|harfe|arpa", 46),
    (r"bass guitar|electric bass|e-bass", 33), (r"distort", 30), (r"electric guitar", 27),
    (r"guitar|gitarre|chitarra", 24),
    (r"viola da gamba|violoncell|cello", 42), (r"viola|bratsche", 41), (r"violin|geige|fiddle", 40),
    (r"contrabass|double bass|kontrabass", 43), (r"soprano sax", 64), (r"alto sax", 65), (r"tenor sax", 66),
    (r"baritone sax", 67), (r"sax", 65), (r"piccolo", 72), (r"flute|flöte|flauto|flûte", 73), (r"recorder", 74),
    (r"english horn|cor anglais", 69), (r"oboe|hautbois", 68), (r"clarinet|klarinette", 71), (r"bassoon|fagott", 70),
    (r"trumpet|trompete|tromba|cornet", 56), (r"trombone|posaune", 57), (r"tuba", 58), (r"horn|corno|cor\b", 60),
    (r"timpani|pauken", 47), (r"marimba", 12), (r"xylophone", 13), (r"vibraphone", 11), (r"glockenspiel", 9),
    (r"celesta", 8), (r"string", 48), (r"bass\b", 32), (r"piano|klavier|pianoforte|keyboard", 0),
)  # fmt: skip


def program_name(program: int) -> str:
    """'Violin' for 40."""
    return PROGRAM_NAMES[program]


def family_name(program: int) -> str:
    """'Strings' for 40."""
    return FAMILY_NAMES[program // 8]


def drum_name(pitch: int) -> str:
    """'Closed Hi-Hat' for 42; a number for what General MIDI leaves open."""
    return DRUM_NAMES.get(pitch, f"Drum {pitch}")


def guess_program(name: str) -> int:
    """The program a part of this name most likely means ('Violoncello' → 42); the piano where nothing fits."""
    lowered = name.lower()
    for pattern, program in _FROM_NAME:
        if re.search(pattern, lowered):
            return program
    return 0
