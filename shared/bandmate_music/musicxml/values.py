"""The texts and numbers of elements."""

from xml.etree.ElementTree import Element


def text_of(element: Element | None) -> str:
    """An element's text on one line; empty where there is none."""
    return " ".join((element.text or "").split()) if element is not None else ""


def decimal_number(element: Element | None, default: float) -> float:
    """Raises ValueError where the text is no number."""
    text = text_of(element)
    return float(text[:40]) if text else default


def whole_number(element: Element | None, default: int) -> int:
    """The nearest whole number. Raises ValueError where the text is none."""
    return round(decimal_number(element, default))
