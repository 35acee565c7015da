"""Detects the encoding of texts that declare none: names and words in MIDI files, badly declared XML.

UTF-8 is tried first, since other text is hardly ever valid UTF-8. Of the older encodings each that can decode every
text is scored by how usual the characters are that it gives: letters within words count for it, signs within words
against it, and for East Asian text the share of the most frequent characters decides.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

MAX_EXAMINED_BYTES = 20_000
"""So much of the texts decides."""

_LATIN = "äöüßéèêàçñáíóúâîôûëïåæøœãõìòùÿœ"
_CENTRAL = "ąćęłńóśźżáčďéěíňřšťúůýžőűöüäŕĺľôășțăâîđ"
_TURKISH = "şığçöüâî"
_ENCODINGS: tuple[tuple[str, str], ...] = (
    ("latin-1", _LATIN),
    ("cp1252", _LATIN),
    ("mac-roman", _LATIN),
    ("cp1250", _CENTRAL),
    ("iso8859-2", _CENTRAL),
    ("cp1254", _TURKISH),
    ("cp1251", ""),
    ("koi8-r", ""),
    ("cp866", ""),
    ("iso8859-5", ""),
    ("cp1253", ""),
    ("cp1255", ""),
    ("cp1256", ""),
    ("cp874", ""),
    ("shift_jis", ""),
    ("cp949", ""),
    ("euc_jp", ""),
    ("gb18030", ""),
    ("big5", ""),
)
"""Name as reported, and the letters beyond ASCII that are usual in it; of equal scores the earlier wins."""
_CODECS = {"shift_jis": "cp932", "mac-roman": "mac_roman"}
DETECTABLE = (*(_CODECS.get(name, name) for name, _ in _ENCODINGS), "iso2022_jp", "utf-16", "utf-16-le", "utf-16-be")
"""Codecs that may be needed; the sandbox loads them before it gives up opening files."""
_CYRILLIC = "оеаинтсрвлкмдпуяыьгзбчйхжшюцщэфъёіїєґ"
_CYRILLIC_VOWELS, _MIN_VOWELS = "оеаиуыэюяёіїє", 0.25
"""Of the letters of a Slavic text some two fifths are vowels; of Hebrew read as Cyrillic hardly any are."""
_GREEK = "αοιετσνηυρπκμλςωγδίάόέήβχθφύξώζψϊϋ"
_HEBREW = "יוהלאתרבשמנםכעחדקפגסצטזןךףץ"
_ARABIC = "المينورتبهعدسفكقحجشصطخضغذثزظةىأإئءؤآ"
_THAI = "านรอก่เงม้วยลสดตปทคบีิัะหใขจพชแุไโผูถณฟซศ็ำธภญฉ์ืษๆฐฝฮ"
_ALPHABETS = {
    "cp1251": (_CYRILLIC, 0.0),
    "koi8-r": (_CYRILLIC, -0.3),
    "cp866": (_CYRILLIC, -0.3),
    "iso8859-5": (_CYRILLIC, -0.3),
    "cp1253": (_GREEK, -0.2),
    "cp1255": (_HEBREW, -0.3),
    "cp1256": (_ARABIC, -0.3),
    "cp874": (_THAI, -0.3),
}
"""Encoding → its letters, the most frequent first, and how much rarer it is than the first of these."""
_HANZI = frozenset(
    "的一是不了人我在有他这为之大来以个中上们到说国和地也子时道出而要于就下得可你年生自会那后能对着事其里所去行过家十用发天如然作方"
    "成者多日都三小军二无同么经法当起与好看学进种将还分此心前面又定见只主没公从爱情梦想歌风花月雪夜雨春秋山水海星光路飞手走听谁钢琴弦鼓"
    "这為來個們說國時後會對著過發經當學進種將還從愛夢風飛聽誰歲樂東紅雲龍"
)
_HANGUL = frozenset(
    "이다의는을가에하고은지도나를사기로아한있어라그리시자해서대정수인내너우게만보부모든마었주일소날네면들전여오랑없제스안말장거세"
    "눈바람꿈길별밤노래처럼산동물과백두르닳록느님보호무궁화삼천려강찬히존대"
)
_KANJI = frozenset(
    "日一人年大十二本中長出三時行見月分後前生五間上東四今金九入学高円子外八六下来気小七山話女北午百書先名川千水半男西電校語土木"
    "聞食車何南万毎白天母火右読友左休父雨愛夢心空花風夜星歌海君手涙春夏秋冬光君僕私桜恋世界"
)
_CONTRACTION = re.compile(r"(?:[tsdm]|re|ll|ve)\b")
_TAG = re.compile(rb"\{@(\w+)\}")
_TAGGED = {b"LATIN": "cp1252", b"LATIN1": "latin-1", b"JP": "shift_jis", b"UTF-8": "utf-8", b"UTF8": "utf-8"}


@dataclass(frozen=True, slots=True)
class Decoded:
    """Texts, and the encoding that those beyond ASCII had: 'ascii' where none went beyond it."""

    texts: list[str]
    encoding: str


def decode_texts(texts: Sequence[bytes]) -> Decoded:
    """The texts of one file, of which all that are not UTF-8 have the same encoding."""
    foreign: list[bytes] = []
    size = valid = 0
    tagged = next((_TAGGED.get(m[1].upper()) for text in texts if (m := _TAG.search(text)) is not None), None)
    for text in texts:
        if text.isascii() and b"\0" not in text and b"\x1b" not in text:
            continue
        if _is_utf8(text):
            valid += 1
        elif size < MAX_EXAMINED_BYTES:
            foreign.append(text)
            size += len(text)
    if not foreign:
        return Decoded([text.decode("utf-8", "replace") for text in texts], "utf-8" if valid else "ascii")
    encoding = tagged if tagged not in (None, "utf-8") else detect_encoding(foreign)
    assert encoding is not None
    # A syllable of two bytes may be valid UTF-8 by chance, beside many that are not.
    return Decoded([_decode(text, encoding, trust_utf8=valid >= len(foreign)) for text in texts], encoding)


def detect_encoding(texts: Sequence[bytes]) -> str:
    """The likeliest encoding of texts that are not UTF-8."""
    if any(b"\x1b$" in text for text in texts):
        return "iso2022_jp"
    if (utf16 := _utf16(texts)) is not None:
        return utf16
    joined = b"\n".join(texts)
    scores = {name: _score(texts, name, letters) for name, letters in _ENCODINGS}
    best = max(scores, key=lambda name: scores[name])
    if best == "latin-1" and any(0x80 <= byte < 0xA0 for byte in joined):
        return "cp1252"
    return best


def _is_utf8(text: bytes) -> bool:
    if b"\0" in text or b"\x1b$" in text:
        return False
    try:
        text.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _decode(text: bytes, encoding: str, trust_utf8: bool) -> str:
    if (text.isascii() and _is_utf8(text)) or (trust_utf8 and _is_utf8(text)):
        return text.decode("utf-8")
    return text.decode(_CODECS.get(encoding, encoding), "replace").replace("\0", "").removeprefix("\ufeff")


def _utf16(texts: Sequence[bytes]) -> str | None:
    """UTF-16 shows by its mark, or by zero bytes at every other place."""
    if any(text[:2] in (b"\xff\xfe", b"\xfe\xff") for text in texts):
        return "utf-16"
    even = sum(text[0::2].count(0) for text in texts)
    odd = sum(text[1::2].count(0) for text in texts)
    pairs = sum(len(text) // 2 for text in texts)
    if max(even, odd) * 3 > pairs and pairs > 1:
        return "utf-16-be" if even > odd else "utf-16-le"
    return None


def _score(texts: Sequence[bytes], name: str, letters: str) -> float:
    """How usual the text is in this encoding, from about -1 to 1; -9 where it cannot be in it."""
    try:
        decoded = "\n".join(text.decode(_CODECS.get(name, name)) for text in texts)
    except UnicodeDecodeError:
        return -9.0
    beyond = [(index, char) for index, char in enumerate(decoded) if ord(char) > 127]
    if not beyond:
        return -9.0
    if letters:
        return _western(decoded, beyond, letters)
    if name in _ALPHABETS:
        return _alphabetic(decoded, beyond, *_ALPHABETS[name])
    return _east_asian([char for _, char in beyond], name)


def _western(text: str, beyond: Sequence[tuple[int, str]], letters: str) -> float:
    total = 0.0
    for index, char in beyond:
        before = text[index - 1] if index else "\n"
        after = text[index + 1] if index + 1 < len(text) else "\n"
        if char.isalpha():
            usual = 1.0 if char in letters else 0.5 if char.lower() in letters else -0.5
            if (char == "õ" and after not in "eõ") or (char == "û" and "õ" in text):
                usual = 0.3  # Portuguese has it before e; at its place other encodings have a letter of Hungarian.
            if char.isupper() and before.islower():
                usual -= 1.0  # A capital within a word.
            if not any(each.isascii() and each.isalpha() for each in (before, after)) and max(before, after) > "\x7f":
                usual -= 0.7  # Western words are mostly of ASCII letters.
            total += usual
        elif char == "’" and before.isalpha() and _CONTRACTION.match(text, index + 1):
            total += 1.1
        elif char in "’‘“”„–—…«»¿¡•‚":
            total += 0.6
        elif char in "°©®№ ":
            total += 0.0
        else:
            total -= 0.6 if before.isalpha() or after.isalpha() else 0.3
    return total / len(beyond)


def _alphabetic(text: str, beyond: Sequence[tuple[int, str]], alphabet: str, prior: float) -> float:
    """By how frequent the letters are, and whether capitals begin words; no word mixes alphabets."""
    total = prior * len(beyond)
    for index, char in beyond:
        before = text[index - 1] if index else "\n"
        after = text[index + 1] if index + 1 < len(text) else "\n"
        place = alphabet.find(char.lower())
        if (before.isascii() and before.isalpha()) or (after.isascii() and after.isalpha()):
            total -= 1.0
        elif place < 0:
            total += 0.4 if char in "«»–—…№„“”’" or 0x591 <= ord(char) <= 0x5C7 else -0.8
        elif char == char.lower() or not before.isalpha() or before.isupper():
            total += 1.3 - 1.2 * place / len(alphabet) - (0.4 if char != char.lower() else 0.0)
        else:
            total -= 1.0
    if alphabet == _CYRILLIC and sum(char.lower() in _CYRILLIC_VOWELS for _, char in beyond) < _MIN_VOWELS * len(
        beyond
    ):
        total -= 0.5 * len(beyond)
    latin = sum(char.isascii() and char.isalpha() for char in text)
    return total / len(beyond) - latin / (latin + len(beyond))


def _ideograph(char: str, name: str) -> float:
    if name == "cp949":
        return -0.3
    if char in (_KANJI if name in ("shift_jis", "euc_jp") else _HANZI):
        return 1.3
    return 0.6 if name in ("gb18030", "shift_jis") else 0.45


def _east_asian(chars: Sequence[str], name: str) -> float:
    total = 0.0
    for char in chars:
        code = ord(char)
        if 0x3041 <= code <= 0x30FF:
            total += 1.3 if name in ("shift_jis", "euc_jp") else 0.1
        elif 0xAC00 <= code <= 0xD7A3:
            total += (1.3 if char in _HANGUL else 0.55) if name == "cp949" else -1.0
        elif 0x4E00 <= code <= 0x9FFF:
            total += _ideograph(char, name)
        elif 0xFF61 <= code <= 0xFF9F:
            total += 0.2 if name == "shift_jis" else -0.5
        elif char in "、。・「」『』！？，～ーー　《》：；（）":
            total += 0.6
        elif 0xFF01 <= code <= 0xFF5E:
            total += 0.3
        else:
            total -= 0.8
    return total / len(chars)
