"""Engraves MusicXML as SVG, page by page, with Verovio: the same file gives the same bytes.

Verovio keeps the path of its fonts for each thread, so every toolkit gets it anew; one works at a time.
"""

import threading
from functools import lru_cache
from pathlib import Path
from typing import Any

from bandmate_shared.errors import BandmateError, NotFound, UnreadableFile

_PAGES = 64
"""Engraved pages that are kept in memory."""
_OPTIONS = {
    "xmlIdSeed": 1,
    "pageWidth": 2100,
    "pageHeight": 2970,
    "scale": 40,
    "adjustPageHeight": True,
    "footer": "none",
    "lyricWordSpace": 2.4,  # Else words run into each other where notes are short.
    "spacingLinear": 0.3,
    "svgViewBox": True,
    "svgHtml5": True,
}
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
    try:
        import verovio  # start-up time: 20 MB of engraver
    except ImportError as error:
        raise EngravingNotInstalled("score.svg needs verovio: pip install 'bandmate-generate'") from error
    with _lock:
        toolkit: Any = verovio.toolkit(False)
        toolkit.setResourcePath(str(Path(verovio.__file__).parent / "data"))
        toolkit.setOptions(_OPTIONS)
        if not toolkit.loadData(musicxml.decode()):
            raise UnreadableFile("the score cannot be engraved")
        pages = int(toolkit.getPageCount())
        if not 1 <= page <= pages:
            raise NotFound(f"the score has {pages} {'page' if pages == 1 else 'pages'}; there is no page {page}")
        return str(toolkit.renderToSVG(page)), pages
