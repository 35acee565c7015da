"""Texts of MIDI files in the encodings that people's files have, and the name of each in the report."""

import pytest
from bandmate_music.limits import Limits
from bandmate_music.midi.read import read_midi
from bandmate_music.text_encoding import decode_texts

from tests.unit.music.hostile import FOUR, meta, midi, quantity, track

CASES = [
    ("latin-1", ["schö", "ne ", "Grü", "ße ", "für "]),
    ("latin-1", ["Ténor"]),
    ("latin-1", ["co", "ra", "zón ", "ma", "ña", "na "]),
    ("cp1252", ["l’é", "toi", "le ", "œil"]),
    ("cp1252", ["don’t", "it’s"]),
    ("mac-roman", ["schö", "ne ", "Grü", "ße ", "für "]),
    ("mac-roman", ["don’t", "you’re"]),
    ("cp1250", ["Głos", "śpię", "ża", "ręka"]),
    ("cp1251", ["До", "ро", "гой ", "длин", "но", "ю"]),
    ("cp1251", ["ПЕСНЯ"]),
    ("koi8-r", ["До", "ро", "гой ", "длин", "но", "ю"]),
    ("shift_jis", ["さ", "く", "ら ", "や", "よ", "い "]),
    ("shift_jis", ["ピアノ"]),
    ("euc_jp", ["さ", "く", "ら"]),
    ("cp949", ["동", "해", "물", "과 ", "백", "두", "산", "이 "]),
    ("gb18030", ["甜", "蜜", "蜜 ", "你", "笑", "得", "甜"]),
    ("big5", ["月", "亮", "代", "表", "我", "的", "心"]),
    ("iso8859-2", ["chcę ", "być ", "świat ", "łza ", "że "]),
    ("cp1250", ["sze", "re", "lem ", "őr", "ült ", "hű ", "szív "]),
    ("cp1254", ["aş", "kım ", "gü", "zel ", "çi", "çek ", "ışık ", "ğ "]),
    ("cp866", ["Под", "мос", "ков", "ные ", "ве", "че", "ра "]),
    ("iso8859-5", ["Под", "мос", "ков", "ные ", "ве", "че", "ра "]),
    ("cp1253", ["Σ'α", "γα", "πώ ", "για", "τί ", "ει", "σαι "]),
    ("cp1255", ["שי", "רים ", "של ", "אה", "בה ", "לך ", "אני "]),
    ("cp1256", ["حب", "يبي ", "يا "]),
    ("cp874", ["รัก ", "เธอ ", "ใจ "]),
    ("latin-1", ["co", "ra", "ções ", "não ", "põe "]),
    ("utf-16-le", ["schön", "Lied"]),
    ("utf-8", ["schö", "ne", "さくら"]),
    ("ascii", ["plain", "words"]),
]
CODECS = {"mac-roman": "mac_roman", "shift_jis": "cp932"}


@pytest.mark.parametrize(("encoding", "texts"), CASES, ids=[f"{name} {texts[0]}" for name, texts in CASES])
def test_encodings_are_detected(encoding: str, texts: list[str]) -> None:
    decoded = decode_texts([text.encode(CODECS.get(encoding, encoding)) for text in texts])
    assert decoded.texts == texts
    assert decoded.encoding == encoding


def test_a_tag_in_the_words_names_their_encoding() -> None:
    assert decode_texts([b"{@JP}", "ア".encode("cp932")]).texts == ["{@JP}", "ア"]


def test_names_and_words_come_as_text_and_the_encoding_is_a_notice() -> None:
    lyrics = (
        meta(5, text.encode("latin-1")) + b"\x00\x90\x3c\x40" + quantity(480) + b"\x80\x3c\x40"
        for text in ("für ", "où ")
    )
    score = read_midi(midi(track(meta(3, "Ténor".encode("latin-1")) + b"".join(lyrics)), track(FOUR)), Limits())
    assert score.parts[0].name == "Ténor"
    assert [lyric.text for lyric in score.parts[0].lyrics] == ["für", "où"]
    (notice,) = score.notices
    assert (notice.kind, notice.is_repair) == ("encoding", False)
    assert "latin-1" in notice.text
