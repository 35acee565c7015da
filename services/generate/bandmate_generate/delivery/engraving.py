"""Engraves MusicXML as SVG, page by page, with Verovio: the same file gives the same bytes.

Verovio keeps the path of its fonts for each thread, so every toolkit gets it anew; one works at a time.
"""

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

from bandmate_shared.contracts.scores import ScorePositions
from bandmate_shared.errors import BandmateError, NotFound, UnreadableFile

from bandmate_generate.delivery.score_positions import positions_of

_PAGES = 64
"""Engraved pages that are kept in memory."""
_SCORES = 16
"""Scores whose positions are kept in memory."""
_OPTIONS = {
    "xmlIdSeed": 1,
    "pageWidth": 2100,
    "pageHeight": 2970,
    "pageMarginLeft": 110,  # The box of a section at the beginning of a line reaches to the left of it.
    "scale": 40,
    "adjustPageHeight": True,
    "footer": "none",
    "lyricWordSpace": 2.4,  # Else words run into each other where notes are short.
    "spacingLinear": 0.3,
    "svgViewBox": True,
    "svgHtml5": True,
}
ENGRAVING = hashlib.sha256(json.dumps(_OPTIONS, sort_keys=True).encode()).hexdigest()[:8]
"""Changes when scores look different, so that nobody keeps the pages from before."""
_lock = threading.Lock()


class EngravingNotInstalled(BandmateError):
    """Scores are engraved by Verovio, which is not installed."""

    type = "engraving-not-installed"
    title = "Engraving is not installed"
    status = 501


@lru_cache(maxsize=_PAGES)
def engrave(musicxml: bytes, page: int) -> tuple[str, int]:
    """A page, counted from 1, as SVG, and how many there are.

    Raises:
        NotFound: there is no such page.
        EngravingNotInstalled, UnreadableFile: it cannot be engraved.
    """
    with _engraver(musicxml) as toolkit:
        pages = int(toolkit.getPageCount())
        if not 1 <= page <= pages:
            raise NotFound(f"the score has {pages} {'page' if pages == 1 else 'pages'}; there is no page {page}")
        return str(toolkit.renderToSVG(page)), pages


@lru_cache(maxsize=_SCORES)
def engraved_positions(musicxml: bytes) -> ScorePositions:
    """Where its bars and notes stand on its pages.

    Raises:
        EngravingNotInstalled, UnreadableFile: it cannot be engraved.
    """
    with _engraver(musicxml) as toolkit:
        pages = [str(toolkit.renderToSVG(page)) for page in range(1, int(toolkit.getPageCount()) + 1)]
        timemap = toolkit.renderToTimemap({"includeMeasures": True, "includeRests": True})
        return positions_of(pages, json.loads(timemap) if isinstance(timemap, str) else timemap)


@contextmanager
def _engraver(musicxml: bytes) -> Iterator[Any]:
    """A toolkit that has read the score; no other works meanwhile."""
    try:
        import verovio  # start-up time: 20 MB of engraver
    except ImportError as error:
        raise EngravingNotInstalled("scores are engraved by verovio: pip install 'bandmate-generate'") from error
    with _lock:
        toolkit: Any = verovio.toolkit(False)
        toolkit.setResourcePath(str(Path(verovio.__file__).parent / "data"))
        toolkit.setOptions(_OPTIONS)
        if not toolkit.loadData(musicxml.decode()):
            raise UnreadableFile("the score cannot be engraved")
        yield toolkit
