"""The figures of harmony parts by name."""

from bandmate_generate.band.figures import HarmonyFigure, Layer, layer

_HALVES = layer("c-------c-------", "c-----------", "c-----c-----")
_WHOLE = layer("c---------------", "c-----------", "c-----------")
_QUARTERS = layer("C---c---C---c---", "C---c---c---", "C---c-C---c-")
_EIGHTHS = layer("C-c-c-c-C-c-c-c-", "C-c-c-c-c-c-", "C-c-c-C-c-c-", turn="C-c-c-c-C-c-C---")
_PUSHED = layer("C-----c-----c---", "C-----c-----", "C---c-C-----", turn="C-----c-c---C---")


def _one(*layers: Layer) -> tuple[Layer, ...]:
    return layers


HARMONY_FIGURES: dict[str, HarmonyFigure] = {
    "block": HarmonyFigure(_one(_QUARTERS), _one(_HALVES), _one(_EIGHTHS)),
    "half-pads": HarmonyFigure(_one(_HALVES), _one(_WHOLE), velocity=62),
    "pad": HarmonyFigure(
        _one(layer("c---------------|----------------", "c-----------|------------", "c-----------")),
        full=_one(layer("c---------------", "c-----------", "c-----------", turn="c-------c---c---")),
        velocity=60,
        place=0.5,
    ),
    "organ-hold": HarmonyFigure(_one(_WHOLE), velocity=64),
    "arpeggio-up": HarmonyFigure(_one(layer("1-2-3-4-5-4-3-2-", "1-2-3-4-3-2-", "1-2-3-4-3-2-", ring=True)), voices=3),
    "alberti": HarmonyFigure(_one(layer("1-3-2-3-1-3-2-3-", "1-3-2-3-2-3-", "1-2-3-1-2-3-", ring=True)), voices=3),
    "rolling": HarmonyFigure(
        _one(
            layer("r-------r-------", "r-----------", "r-----r-----"),
            layer("c-1-2-3-c-1-2-3-", "c-1-2-3-2-1-", "c-1-2-3-2-1-", ring=True),
        ),
        voices=3,
    ),
    "folk-picking": HarmonyFigure(
        _one(
            layer("r---f---r---f---", "r-------f---", "r-----f-----", ring=True),
            layer("h.2.h.3.h.2.h.1.", "h.2.3.2.1.2.", "h.2.3.h.2.1.", turn="h.2.h.3.c-2-3-2-", ring=True),
        ),
        calm=_one(
            layer("r-------f-------", "r-----------", "r-----------"),
            layer("h.1.2.3.h.1.2.3.", "h.1.2.3.2.1.", "h.1.2.3.2.1.", ring=True),
        ),
        full=_one(
            layer("r-------f-------", "r-----------", "r-----f-----"),
            layer("c---C-c---c-C-c-", "c---C-c-C-c-", "c---c-C---c-", turn="c---C-c-c-c-C---"),
        ),
    ),
    "folk-strum": HarmonyFigure(
        _one(layer("c---C-c---c-C-c-", "c---C-c-C-c-", "c---c-C---c-", turn="c---C-c-c-c-C---")),
        calm=_one(layer("c---c---c---c---", "c---c---c---", "c-----c-----")),
    ),
    "boom-chick": HarmonyFigure(
        _one(
            layer("r---....f---....", "r---........", "r-----f-----", turn="r---....f---r-f-", ring=True),
            layer("....C---....C-c-", "....C---C---", "....C-....C-", gate=0.8),
        ),
        calm=_one(
            layer("r-------f-------", "r-----------", "r-----f-----"),
            layer("....c-------c---", "....c---c---", "....c-....c-"),
        ),
        voices=3,
        place=0.6,
    ),
    "country-rolls": HarmonyFigure(
        _one(layer("1-2-3-1-2-3-1-3-", "1-2-3-1-2-3-", "1-2-3-1-2-3-", turn="1-2-3-2-c-------", ring=True)),
        full=_one(layer("1-3-2-4-1-3-2-4-", "1-3-2-4-3-2-", "1-3-2-4-3-2-", turn="1-3-2-4-C-------", ring=True)),
        voices=3,
    ),
    "pop-keys": HarmonyFigure(_one(_PUSHED), _one(_HALVES), _one(_EIGHTHS)),
    "ballad": HarmonyFigure(
        _one(
            layer("o-------f---r---", "o-----------", "o-----f-----"),
            layer("c---c---c---c---", "c---c---c---", "c-2-3-c-2-3-", turn="c---c---c-1-2-3-"),
        ),
        calm=_one(
            layer("r-------f-------", "r-----------", "r-----f-----"),
            layer("c.2.3.2.c.2.3.2.", "c.2.3.2.3.2.", "c.2.3.c.3.2.", ring=True),
        ),
        full=_one(
            layer("o-----o-o-------", "o-------o---", "o-----o-----"),
            layer("C---c-c-C---c-c-", "C---c-c-C-c-", "C-c-c-C-c-c-", turn="C---c-c-1-2-3-4-"),
        ),
        place=0.6,
    ),
    "rock-strum": HarmonyFigure(
        _one(layer("P---p-p-.-p-p---", "P---p-p-p---", "P---p-P---p-", turn="P---p-p-p-p-P---")),
        calm=_one(layer("p---------------", "p-----------", "p-----------")),
        full=_one(layer("P-p-p-p-P-p-p-p-", "P-p-p-p-p-p-", "P-p-p-P-p-p-", turn="P-p-p-p-P---P---")),
        velocity=80,
    ),
    "rock-broken": HarmonyFigure(
        _one(
            layer("1-3-2-3-1-3-2-3-", "1-3-2-3-2-3-", "1-3-2-1-3-2-", ring=True),
            layer("c-------c-------", "c-----------", "c-----c-----"),
        ),
        calm=_one(layer("c.2.3.2.c.2.3.2.", "c.2.3.2.3.2.", "c.2.3.c.2.3.", ring=True)),
        full=_one(layer("C-----c---c-C---", "C---c---C---", "C---c-C---c-", turn="C---C---C-c-C---")),
        voices=3,
        velocity=76,
    ),
    "power-eighths": HarmonyFigure(
        _one(layer("P-p-p-p-p-p-p-p-", "P-p-p-p-p-p-", "P-p-p-P-p-p-", turn="P-p-p-p-P---P---", gate=0.7)),
        calm=_one(layer("P---------------", "P-----------", "P-----------")),
        full=_one(layer("P-p-p-p-P-p-p-p-", "P-p-P-p-P-p-", "P-p-p-P-p-p-", turn="P-p-p-p-P-P-P-P-")),
        velocity=86,
    ),
    "power-strum": HarmonyFigure(
        _one(layer("C---c-c---c-c-c-", "C---c-c-c-c-", "C---c-C---c-", turn="C---C---C-c-C---")),
        calm=_one(_WHOLE),
        voices=3,
        velocity=82,
    ),
    "scratch": HarmonyFigure(
        _one(layer("mmCmm.mC.mmCmmm.", "mmCmm.mC.mm.", "mmCmm.mmCmm.", turn="mmCmm.mC.mC.C.C.", gate=0.6)),
        calm=_one(layer("..m.C...m.m.C...", "..m.C...C...", "..m.C...m.C.", gate=0.5)),
        voices=3,
        velocity=76,
    ),
    "funk-stabs": HarmonyFigure(
        _one(layer("C..c..1...C..1.2|C..c..1...1.3.2.", "C..c..1...C.", "C..c..C..c..", gate=0.6)),
        voices=3,
        velocity=78,
    ),
    "disco-chops": HarmonyFigure(
        _one(layer("m.Cmm.Cmm.Cmm.CC", "m.Cmm.Cmm.Cm", "m.Cmm.m.Cmm.", gate=0.6)),
        calm=_one(layer("..C...C...C...C.", "..C...C...C.", "..C.....C...", gate=0.6)),
        voices=3,
        velocity=76,
    ),
    "disco-strings": HarmonyFigure(
        _one(layer("c---------------", "c-----------", "c-----------", turn="c-------1-2-3-4-")),
        full=_one(layer("C-----c-c---....|C-----c-1-2-3-4-", "C-----c-....", "C-----c-....")),
        velocity=68,
    ),
    "soul-keys": HarmonyFigure(
        _one(layer("C-----c-..c---c-", "C-----c-..c-", "C---c-..c---", turn="C-----c-c-1-2-3-")),
        calm=_one(_HALVES),
        full=_one(layer("C---c-c-..C-c-c-", "C---c-c-C-c-", "C-c-c-C-c-c-")),
    ),
    "backbeat-chops": HarmonyFigure(
        _one(layer("....C-......C-..", "....C-..C-..", "....C-....C-", turn="....C-..c.c.C-..", gate=0.7)), voices=3
    ),
    "brass-hits": HarmonyFigure(
        _one(layer("................|......C-C---....", "........C-..", "............|......C---..", gate=0.8)),
        full=_one(layer("C-....c---......|C-..c-c-..C-C---", "C-....c---..", "C-....c---..", gate=0.8)),
        voices=3,
        velocity=82,
    ),
    "loop-keys": HarmonyFigure(
        _one(
            layer("C---------......|C-----c---------", "C-----------|C-----c-----", "C-----------|C-----c-----"),
            layer("..........1-2-3-|............3-2-", "............", "............"),
        ),
        voices=4,
        velocity=68,
    ),
    "skank": HarmonyFigure(
        _one(layer("..C...C...C...C.", "..C...C...C.", "..C.....C...", turn="..C...C...C.C.C.", gate=0.55)),
        voices=3,
        velocity=80,
    ),
    "bubble": HarmonyFigure(
        _one(layer("1.c.1.cc1.c.1.cc", "1.c.1.cc1.c.", "1.c.c.1.c.c.", gate=0.7)),
        voices=3,
        velocity=64,
    ),
    "bossa": HarmonyFigure(
        _one(
            layer("r-------f-------", "r-------f---", "r-----f-----"),
            layer("h-----h-----h---|....h-----h-----", "h---..h-h---", "h---h-..h---"),
        ),
        place=0.6,
        velocity=68,
    ),
    "montuno": HarmonyFigure(
        _one(
            layer("t---2-t---2-t---|2-t---2-t---2-t-", "t---2-t---2-", "t-2-t-2-t-2-"),
            layer("1---3-1---3-1---|3-1---3-1---3-1-", "1---3-1---3-", "1-3-1-3-1-3-"),
        ),
        velocity=78,
    ),
    "shuffle": HarmonyFigure(
        _one(layer("d-d-q-q-d-d-q-q-", "d-d-q-q-d-d-", "d---q-d---q-", turn="d-d-q-q-d-d-q---", gate=0.8)),
        voices=3,
        velocity=76,
    ),
    "blues-comping": HarmonyFigure(
        _one(layer("....C-........c-|....C-......c---", "....C-....c-", "....C-....c-", turn="C---....1-2-3-4-")),
        calm=_one(_HALVES),
        velocity=72,
    ),
    "charleston": HarmonyFigure(
        _one(
            layer(
                "C-----c---......|....c-----c-----",
                "C-----c-----|....c---....",
                "C---c-......",
                turn="C-----c-..c-c---",
            )
        ),
        calm=_one(layer("c-----c---------", "c-----------|....c-------", "c---c-------")),
        voices=4,
        velocity=68,
    ),
    "four-to-the-bar": HarmonyFigure(
        _one(layer("c---C---c---C---", "c---C---C---", "c-----C-----", gate=0.65)), voices=3, velocity=56
    ),
    "shells": HarmonyFigure(_one(_WHOLE), full=_one(_HALVES), voices=3, velocity=58),
    "oom-pah-pah": HarmonyFigure(
        _one(
            layer(
                "r---C---f---C---",
                "r---C---C---",
                "r-..C-f-..C-",
                gate=0.8,
                turn="r---C---f---C-c-",
                turn_three="r---C---C-c-",
            )
        ),
        voices=3,
        place=0.6,
    ),
    "off-beats": HarmonyFigure(
        _one(layer("..C...C...C...C.", "....C...C...", "....C-....C-", gate=0.75, turn="..C...C.C---C---")), voices=3
    ),
    "hymn": HarmonyFigure(_one(_QUARTERS), voices=3, place=0.7, velocity=72, follows_tune=True),
    "counter-line": HarmonyFigure(
        _one(layer("l-------l---k---", "l-------k---", "l-----l---k-", turn="l-----------....")),
        calm=_one(layer("l---------------", "l-----------", "l-----------")),
        full=_one(layer("l---k-l-l---k-l-", "l---k-l-k-l-", "l---k-l---k-", turn="l-------l---....")),
        voices=1,
    ),
    "solo-line": HarmonyFigure(
        _one(
            layer(
                "l---k-l-..l-k-l-|l---l-k-l-----..",
                "l---k-l-k-l-|l---l-k-l---",
                "l---k-l-k-l-|l-----l-k-l-",
                turn="l-k-l-k-l-------",
            )
        ),
        voices=1,
        place=0.75,
        velocity=88,
    ),
    "pop-pulse": HarmonyFigure(
        _one(layer("C---c-C---c-c---", "C---c-C---c-", "C---c-C---c-", turn="C---c-C---C-C---")),
        _one(_WHOLE),
        _one(layer("C---C---C---C-c-", "C---C---C-c-", "C---c-C---c-")),
    ),
    "pop-broken": HarmonyFigure(
        _one(
            layer("r-------r-------", "r-----------", "r-----r-----"),
            layer("h-2-3-2-h-2-3-2-", "h-2-3-2-3-2-", "h-2-3-h-2-3-", turn="h-2-3-2-h---h---", ring=True),
        ),
        _one(_HALVES),
        _one(layer("C-c-c-C-c-c-C-c-", "C-c-c-C-c-c-", "C-c-c-C-c-c-", turn="C-c-c-C-c-C-C---")),
    ),
    "folk-rolls": HarmonyFigure(
        _one(
            layer("r-------r-------", "r-----------", "r-----------"),
            layer("h-1-2-3-h-3-2-1-", "h-1-2-3-2-1-", "h-1-2-3-2-1-", turn="h-1-2-3-h-------", ring=True),
        ),
        full=_one(
            layer("r-------f-------", "r-----------", "r-----f-----"),
            layer("c---c-c-C---c-c-", "c---C-c-C-c-", "c---c-C---c-"),
        ),
    ),
    "ballad-rolling": HarmonyFigure(
        _one(
            layer("o-------r-------", "o-----------", "o-----r-----"),
            layer("c-1-2-3-4-3-2-1-", "c-1-2-3-2-1-", "c-1-2-3-2-1-", turn="c-1-2-3-c---c---", ring=True),
        ),
        calm=_one(_WHOLE, layer("....2---3---2---", "....2---3---", "..2-3-..2-3-", ring=True)),
        full=_one(
            layer("o-------o---o---", "o-------o---", "o-----o-----"),
            layer("C-c-C-c-C-c-C-c-", "C-c-C-c-C-c-", "C-c-c-C-c-c-", turn="C-c-C-c-4-3-2-1-"),
        ),
        place=0.6,
    ),
    "rock-riff": HarmonyFigure(
        _one(layer("P-..p-P-..p-p-p-|P-..p-P-..P---P-", "P-..p-P-p-p-", "P-..p-P-..p-", turn="P-..p-P-P---P---")),
        calm=_one(layer("p---------------", "p-----------", "p-----------")),
        full=_one(layer("P-p-p-P-p-p-P-p-", "P-p-p-P-p-p-", "P-p-p-P-p-p-", turn="P-p-p-P-P---P---")),
        velocity=80,
    ),
    "rock-chords": HarmonyFigure(
        _one(layer("C---....C-c-....", "C---....C-c-", "C---..C-c-..", turn="C---....C-c-C---")),
        calm=_one(layer("c-2-3-2-c-2-3-2-", "c-2-3-2-3-2-", "c-2-3-c-2-3-", ring=True)),
        full=_one(layer("C---c-C---c-C-c-", "C---c-C---c-", "C---c-C---c-", turn="C---c-C---C-C---")),
        voices=3,
        velocity=76,
    ),
    "train-strum": HarmonyFigure(
        _one(
            layer("r-......f-......", "r-..........", "r-....f-....", ring=True),
            layer("..c-C-c-..c-C-c-", "..c-C-c-C-c-", "..c-C-..c-C-", gate=0.8),
        ),
        voices=3,
        place=0.6,
    ),
    "scratch-pushed": HarmonyFigure(
        _one(layer("m.mCmmCmm.mCm.C.", "m.mCmmCmm.C.", "m.mCmmm.mCmm", turn="m.mCmmCmC.C.C.C.", gate=0.6)),
        calm=_one(layer("....C.m.....C.m.", "....C.m.C.m.", "....C.m...C.", gate=0.5)),
        voices=3,
        velocity=76,
    ),
    "skank-double": HarmonyFigure(
        _one(layer("..C...C...CC..C.", "..C...C...CC", "..C.....C...", turn="..C...C...C.C.C.", gate=0.55)),
        voices=3,
        velocity=80,
    ),
    "bossa-partido": HarmonyFigure(
        _one(
            layer("r-------f-------", "r-------f---", "r-----f-----"),
            layer("..h---h-....h---|h---..h---h-..h-", "..h---h---..", "..h-..h-h---"),
        ),
        place=0.6,
        velocity=68,
    ),
    "red-garland": HarmonyFigure(
        _one(
            layer(
                "......C-......C-|......C-......C-",
                "......C---..|......C---..",
                "....C-....C-",
                turn="......C-....c-c-",
            )
        ),
        calm=_one(_HALVES),
        velocity=68,
    ),
}

PLAIN_FIGURE = "half-pads"
"""What a part plays whose own figure has no note in the bars in which it plays."""
SOLO_FIGURE = "solo-line"
"""What a part plays in a solo that no tune was composed for."""

ALTERNATIVES: dict[str, tuple[str, ...]] = {
    "pop-keys": ("pop-keys", "pop-pulse", "pop-broken"),
    "folk-picking": ("folk-picking", "folk-strum", "folk-rolls"),
    "ballad": ("ballad", "ballad-rolling"),
    "rock-strum": ("rock-strum", "rock-riff"),
    "rock-broken": ("rock-broken", "rock-chords"),
    "boom-chick": ("boom-chick", "train-strum"),
    "scratch": ("scratch", "scratch-pushed"),
    "skank": ("skank", "skank-double"),
    "bossa": ("bossa", "bossa-partido"),
    "charleston": ("charleston", "red-garland"),
}
"""Figures that stand in for one another: a song draws one of them by its seed."""
