"""Words in a script that no voice sings are refused by the script's name."""

import pytest
from bandmate_music.language.scripts import ScriptNotSung, refuse_unsung_scripts


@pytest.mark.parametrize(
    ("words", "name"),
    [
        ("夜の歌を歌う", "Japanese"),
        ("月亮代表我的心", "Chinese"),
        ("나의 살던 고향은", "Korean"),
        ("Калинка, калинка моя", "Cyrillic"),
        ("يا ليلي يا عيني", "Arabic"),
        ("הבה נגילה", "Hebrew"),
        ("Θάλασσα", "Greek"),
        ("वन्दे मातरम्", "Devanagari"),
        ("I say привет to you", "Cyrillic"),
    ],
)
def test_another_script_is_refused_by_its_name(words: str, name: str) -> None:
    with pytest.raises(ScriptNotSung, match=rf"no voice sings {name} script \(words line 2: '{words[:9]}"):
        refuse_unsung_scripts(["first", words])


@pytest.mark.parametrize(
    "words",
    [
        "Señor, où êtes-vous? Grüße på en ö",
        "ﬁne",
        "ｆｕｌｌ ｗｉｄｔｈ",
        "1ª vez",
        "𝐛𝐨𝐥𝐝",
        "hawaiʻi ʼtis",
        "think[ˈθɪŋk]",
        "♪ 🎵 …",
        "",
    ],
)
def test_latin_letters_of_all_kinds_pass(words: str) -> None:
    refuse_unsung_scripts([words])
