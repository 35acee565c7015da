"""Load all that reading a file may load late: afterwards a process that can open no file any more can go on reading."""

import codecs
from encodings import cp437, utf_8_sig

import symusic

from bandmate_music.limits import Limits
from bandmate_music.musicxml.encoding import DECLARABLE
from bandmate_music.read import read_score
from bandmate_music.text_encoding import DETECTABLE
from bandmate_music.verses import Verses

_WARM_UP_FILES = (
    b"MThd\0\0\0\x06\0\0\0\x01\0\x60MTrk\0\0\0\x11\0\xff\x05\x02la\0\x90\x3c\x40\x60\x3c\0\0\xff\x2f\0",
    b"<?xml version='1.0'?><score-partwise><part-list><score-part id='P'/></part-list><part id='P'><measure>"
    b"<note><pitch><step>C</step><octave>4</octave></pitch><duration>1</duration><lyric><text>la</text></lyric></note>"
    b"</measure></part></score-partwise>",
)
"""Small files of both formats."""
PRELOADED = (cp437, utf_8_sig, symusic)
"""Looked up by name while files are read: names in zip archives, the MIDI parser."""


def preload(limits: Limits) -> None:
    """Look up every encoding that text in files is tried in, and read a small file of each format."""
    for name in (*DECLARABLE, *DETECTABLE):
        codecs.lookup(name)
    for data in _WARM_UP_FILES:
        for verses in (None, Verses()):
            read_score(data, "warm-up", limits, verses)
