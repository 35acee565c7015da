"""Where the bars and notes of a score stand on its engraved pages, read out of the pages and their timemap.

A page is Verovio's SVG: groups of the class `measure` hold groups of the class `staff`, whose first lines are those of
the staff. Verovio's timemap lists the ids of what begins at each moment, in quarter notes since the beginning.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from xml.etree.ElementTree import Element

from bandmate_shared.contracts.scores import BarPosition, ScorePositions
from defusedxml.ElementTree import fromstring

_LINE = re.compile(r"M(-?\d+) (-?\d+) L(-?\d+) (-?\d+)")
_PLACE = re.compile(r"translate\((-?[\d.]+), (-?[\d.]+)\)")
_DIGITS = 4
_PLACED = ("note", "rest")
"""What shows a moment of its bar; the rest of a whole bar, `mRest`, stands in the middle of it."""


@dataclass(frozen=True, slots=True)
class _Measure:
    """A measure on its page; `places` gives the left edge of everything in it that has an id."""

    page: int
    left: float
    right: float
    top: float
    bottom: float
    places: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class _Moment:
    """What begins at a moment, in quarter notes since the beginning."""

    quarter: float
    ids: Sequence[str]


def positions_of(pages: Sequence[str], timemap: Sequence[Mapping[str, Any]]) -> ScorePositions:
    """`pages` are the SVG of all pages in order; `timemap` is Verovio's with measures and rests."""
    measures = {key: one for number, svg in enumerate(pages, start=1) for key, one in _measures_of(svg, number)}
    moments = _moments_by_measure(timemap)
    begins = [moment[0].quarter for moment in moments.values()]
    end = float(timemap[-1]["qstamp"]) if timemap else 0.0
    ends = [*begins[1:], end]
    bars = [
        _bar(number, measures[key], moments[key], begin, after)
        for number, (key, begin, after) in enumerate(zip(moments, begins, ends, strict=True), start=1)
        if key in measures
    ]
    return ScorePositions(pages=len(pages), bars=bars)


def _bar(number: int, measure: _Measure, moments: Sequence[_Moment], begin: float, end: float) -> BarPosition:
    onsets: list[tuple[float, float]] = []
    for moment in moments:
        places = [measure.places[key] for key in moment.ids if key in measure.places]
        over = (moment.quarter - begin) / max(end - begin, 1e-6)
        # Where voices are written past each other, what begins later may stand further left: that is left out.
        if places and 0 <= over <= 1 and (not onsets or min(places) > onsets[-1][1]):
            onsets.append((round(over, _DIGITS), min(places)))
    return BarPosition(
        bar=number,
        page=measure.page,
        left=measure.left,
        right=measure.right,
        top=measure.top,
        bottom=measure.bottom,
        onsets=onsets,
    )


def _moments_by_measure(timemap: Sequence[Mapping[str, Any]]) -> dict[str, list[_Moment]]:
    found: dict[str, list[_Moment]] = {}
    current = ""
    for entry in timemap:
        current = entry.get("measureOn", current)
        moment = _Moment(float(entry["qstamp"]), [*entry.get("on", ()), *entry.get("restsOn", ())])
        found.setdefault(current, []).append(moment)
    return found


def _measures_of(svg: str, page: int) -> Iterator[tuple[str, _Measure]]:
    """The id of each measure of a page, and where it stands in shares of the page."""
    root = fromstring(svg)
    scale = next(element for element in root.iter() if _class(element) == "definition-scale")
    margin = next(element for element in scale.iter() if _class(element) == "page-margin")
    width, height = (float(number) for number in scale.attrib["viewBox"].split()[2:])
    left, top = _translation(margin)

    def across(x: float) -> float:
        return _share((x + left) / width)

    def down(y: float) -> float:
        return _share((y + top) / height)

    for measure in (element for element in margin.iter() if _class(element) == "measure"):
        lines = [line for staff in measure if _class(staff) == "staff" for line in _staff_lines(staff)]
        if not lines:
            continue
        xs = [x for line in lines for x in (line[0], line[2])]
        ys = [y for line in lines for y in (line[1], line[3])]
        places = {
            element.attrib["data-id"]: across(x)
            for element in measure.iter()
            if _class(element) in _PLACED and (x := _left_of(element)) is not None
        }
        found = _Measure(page, across(min(xs)), across(max(xs)), down(min(ys)), down(max(ys)), places)
        yield measure.attrib["data-id"], found


def _staff_lines(staff: Element) -> Iterator[tuple[float, float, float, float]]:
    for path in staff:
        match = _LINE.fullmatch(path.attrib.get("d", ""))
        if match is not None:
            yield float(match[1]), float(match[2]), float(match[3]), float(match[4])


def _left_of(element: Element) -> float | None:
    """Where the leftmost glyph of a note or a rest stands; accidentals before a note are none of its own."""
    glyphs = [
        glyph for part in element.iter() if _class(part) != "accid" for glyph in part if glyph.tag.endswith("use")
    ]
    places = [float(match[1]) for glyph in glyphs if (match := _PLACE.match(glyph.attrib.get("transform", "")))]
    return min(places, default=None)


def _translation(element: Element) -> tuple[float, float]:
    match = _PLACE.match(element.attrib.get("transform", ""))
    return (float(match[1]), float(match[2])) if match is not None else (0.0, 0.0)


def _class(element: Element) -> str:
    return element.attrib.get("class", "").split(" ")[0]


def _share(value: float) -> float:
    return round(min(1.0, max(0.0, value)), _DIGITS)
