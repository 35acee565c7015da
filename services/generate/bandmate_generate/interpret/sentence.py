"""A sentence as items (phrases with their meanings), and which field has taken each."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from bandmate_generate.interpret.lexicon import PUNCTUATION, Token, language_of, lexicon, split_compound, tokens_of
from bandmate_generate.interpret.spelling import corrected

_GLUE = frozenset({"very", "rather", "too", "and", "with", "for", "in", "at", "to", "approximate", "only"})
"""Items of these kinds alone mean nothing where no field has taken them."""


@dataclass(slots=True)
class Item:
    """A phrase: its tokens, and what it may mean (kind → value; empty for an unknown word)."""

    tokens: tuple[Token, ...]
    meanings: dict[str, str]
    taken_by: str | None = field(default=None)

    @property
    def plain(self) -> str:
        return " ".join(token.plain for token in self.tokens)

    @property
    def text(self) -> str:
        return " ".join(token.text for token in self.tokens)

    @property
    def is_mark(self) -> bool:
        """Whether it is a punctuation mark."""
        return self.plain in PUNCTUATION


class Sentence:
    """The items of a text in order. Each may be taken by one field."""

    def __init__(self, text: str) -> None:
        self.text = text
        tokens = tokens_of(text)
        self.language = language_of(tokens)
        self.items = _items(tokens, self.language)

    def __len__(self) -> int:
        return len(self.items)

    def meaning(self, index: int, kind: str) -> str | None:
        """What the item there means as that kind; None beyond the ends, or where a field has taken it."""
        if not 0 <= index < len(self.items) or self.items[index].taken_by is not None:
            return None
        return self.items[index].meanings.get(kind)

    def has(self, index: int, *kinds: str) -> bool:
        """Whether the item there is free and of one of the kinds."""
        return any(self.meaning(index, kind) is not None for kind in kinds)

    def is_free(self, index: int) -> bool:
        return 0 <= index < len(self.items) and self.items[index].taken_by is None

    def is_mark(self, index: int) -> bool:
        """Whether a punctuation mark stands there, or an end of the sentence."""
        return not 0 <= index < len(self.items) or self.items[index].is_mark

    def plain(self, index: int) -> str:
        return self.items[index].plain if 0 <= index < len(self.items) else ""

    def skip(self, index: int, *kinds: str, step: int = 1) -> int:
        """The first index from there on, in that direction, whose item is of none of the kinds."""
        while self.has(index, *kinds):
            index += step
        return index

    def take(self, indices: Iterable[int], name: str) -> None:
        """Mark free items as understood for the field."""
        for index in indices:
            if self.is_free(index) and not self.items[index].is_mark:
                self.items[index].taken_by = name

    def is_negated(self, index: int) -> bool:
        """Whether a 'not' or 'no' stands before the item, with nothing but fillers and degrees between."""
        before = index - 1
        while self.has(before, "very", "rather", "filler") and not self.has(before, "no"):
            before -= 1
        return self.has(before, "no")

    def words(self, name: str) -> str:
        """The words that the field has taken, as they stand in the text."""
        return " … ".join(self._spans(lambda item: item.taken_by == name))

    def position(self, name: str) -> int:
        """Where the first words of the field stand."""
        return next((index for index, item in enumerate(self.items) if item.taken_by == name), len(self.items))

    def ignored(self) -> list[str]:
        """The words that no field has taken and that may mean something, phrase by phrase."""
        return self._spans(lambda item: item.taken_by is None and not item.is_mark and not _means_nothing(item))

    def between(self, first: int, end: int) -> str:
        """The text of the items from `first` up to `end`."""
        return self.text[self.items[first].tokens[0].start : self.items[end - 1].tokens[-1].end]

    def _spans(self, is_wanted: Callable[[Item], bool]) -> list[str]:
        """The text of each run of wanted items; what means nothing by itself may stand within a run."""
        runs: list[list[int]] = []
        for index, item in enumerate(self.items):
            if not is_wanted(item):
                continue
            gap = range(runs[-1][-1] + 1, index) if runs else ()
            if runs and all(_is_glue(self.items[at]) for at in gap):
                runs[-1].append(index)
            else:
                runs.append([index])
        return [self.between(run[0], run[-1] + 1) for run in runs]


def _means_nothing(item: Item) -> bool:
    return "filler" in item.meanings or (bool(item.meanings) and item.meanings.keys() <= _GLUE)


def _is_glue(item: Item) -> bool:
    return item.taken_by is None and not item.is_mark and bool({"filler", "and"} & item.meanings.keys())


def _items(tokens: Sequence[Token], language: str) -> list[Item]:
    words = lexicon(language)
    items = []
    index = 0
    if language == "de":
        tokens = [
            part for token in tokens for part in ([token] if words.longest([token], 0) else split_compound(token))
        ]
    tokens = [token if words.longest(tokens, at) else corrected(token, language) for at, token in enumerate(tokens)]
    while index < len(tokens):
        entry = words.longest(tokens, index)
        count = len(entry.words) if entry is not None else 1
        items.append(Item(tuple(tokens[index : index + count]), dict(entry.meanings) if entry is not None else {}))
        index += count
    return items
