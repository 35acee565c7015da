"""The figures of bass parts by name."""

from bandmate_generate.band.figures import BassFigure, layer

_WHOLE = layer("r---------------", "r-----------", "r-----------")
_HALVES = layer("r-------r-------", "r-----------", "r-----r-----")

BASS_FIGURES: dict[str, BassFigure] = {
    "pedal": BassFigure(_WHOLE),
    "root-fifth": BassFigure(
        layer("r-------f-------", "r-------f---", "r-----f-----", turn="r-------f---a---", gate=0.9), _WHOLE
    ),
    "pop-bass": BassFigure(
        layer("R-----r-r-------", "R-------r---", "R-----r---r-", turn="R-----r-r---a---"), _WHOLE, locks=True
    ),
    "ballad-bass": BassFigure(
        layer("r-----r-r-------", "r-------f---", "r---r-f-----", turn="r-----r-f---a---"), _WHOLE
    ),
    "bass-eighths": BassFigure(
        layer("R-r-r-r-R-r-r-r-", "R-r-r-r-r-r-", "R-r-r-R-r-r-", turn="R-r-r-r-R-r-f-a-", gate=0.9), _HALVES
    ),
    "funk-bass": BassFigure(
        layer("R..r..o...r.v.o.", "R..r..o...r.", "R..r..r.o...", turn="R..r..o.r.v.f.a.", gate=0.75),
        layer("R-....o-r-......", "R-....o-r-..", "R-....o-..r-"),
        locks=True,
        velocity=90,
    ),
    "octaves": BassFigure(layer("R-o-r-o-r-o-r-o-", "R-o-r-o-r-o-", "R-o-r-R-o-r-", gate=0.8), _HALVES, velocity=86),
    "soul-bass": BassFigure(
        layer("R-----r-t-f---r-|R-----r-f-t---a-", "R-----f-t-a-", "R---r-f---a-", gate=0.85), _HALVES
    ),
    "sub-bass": BassFigure(layer("R---------r-----", "R-------r---", "R-----r-----"), _WHOLE, locks=True, velocity=92),
    "reggae-bass": BassFigure(
        layer("R-----r-t-f-....|R---..o-f-t-r-..", "R-----t-f-..", "R-----t-f-..", gate=0.9), velocity=92
    ),
    "bossa-bass": BassFigure(layer("r-----f-f-----r-", "r-----f-f---", "r---f-f---r-", turn="r-----f-f-----a-")),
    "tumbao": BassFigure(layer("R-----f-----n---|------f-----n---", "R-----f-n---", "R---f-..n---")),
    "shuffle-bass": BassFigure(
        layer("R---t---f---s---|o---s---f---t---", "R---t---f---", "R---t-f---t-", turn="R---t---f---a---", gate=0.9),
        layer("R-------f-------", "R-------f---", "R-----f-----"),
    ),
    "walking": BassFigure(
        layer("w---w---w---w---", "w---w---w---", "w-----w-----", gate=0.95),
        layer("r-------f-------", "r-------f---", "r-----f-----", gate=0.95),
    ),
    "oom-pah": BassFigure(layer("R-..f-..r-..f-..", "R---........", "R---..f---..", turn="R-..f-..r-a-r-..", gate=0.9)),
    "waltz-bass": BassFigure(
        layer(
            "r---....f---....",
            "r-------....|r-------f---",
            "r---..f---..",
            gate=0.9,
            turn="r---....f---a---",
            turn_three="r---f---a---",
        )
    ),
    "pop-pulse-bass": BassFigure(
        layer("R---r-r-R---r-r-", "R---r-r-r-r-", "R---r-R---r-", turn="R---r-r-R---a---", gate=0.9),
        _WHOLE,
        layer("R-r-r-r-R-r-r-r-", "R-r-r-r-r-r-", "R-r-r-R-r-r-", turn="R-r-r-r-R-r-a-a-", gate=0.9),
    ),
    "rock-drive": BassFigure(
        layer("R-r-..r-R-r-r-r-", "R-r-..r-r-r-", "R-r-r-R---r-", turn="R-r-..r-R-r-f-a-", gate=0.9),
        _HALVES,
        layer("R-r-r-r-R-r-r-r-", "R-r-r-r-r-r-", "R-r-r-R-r-r-", turn="R-r-r-r-R-r-f-a-", gate=0.9),
    ),
    "funk-pocket": BassFigure(
        layer("R-r...o-..r..r.v", "R-r...o-..r.", "R-r.o-R...r.", turn="R-r...o-..r.v.a.", gate=0.75),
        layer("R---....o-r-....", "R---....o-r-", "R---..o-..r-"),
        locks=True,
        velocity=90,
    ),
    "steppers": BassFigure(
        layer("R---r-f-..f-r---|R---r-t-..f-a---", "R---r-f-..f-", "R---f-r---f-", gate=0.9), velocity=92
    ),
    "soul-pulse": BassFigure(
        layer("R---r-r-..r-f-a-|R---r-r-f---r-a-", "R---r-r-f-a-", "R---r-f---a-", gate=0.85), _HALVES
    ),
}

BASS_ALTERNATIVES: dict[str, tuple[str, ...]] = {
    "pop-bass": ("pop-bass", "pop-pulse-bass"),
    "bass-eighths": ("bass-eighths", "rock-drive"),
    "funk-bass": ("funk-bass", "funk-pocket"),
    "reggae-bass": ("reggae-bass", "steppers"),
    "soul-bass": ("soul-bass", "soul-pulse"),
}
"""Figures that stand in for one another: a song draws one of them by its seed."""
