"""Every path, module, link and decision number that the documents name exists."""

import os
import re
from pathlib import Path
from urllib.parse import unquote

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted(
    path
    for pattern in ("*.md", "docs/**/*.md", "services/*/README.md", "shared/*.md", "benchmarks/*.md", ".github/**/*.md")
    for path in ROOT.glob(pattern)
)
_SUFFIXES = "py|md|toml|yml|yaml|txt|json|ini|html|sf2|sf3"
_CODE = re.compile(r"`([^`\n]+)`")
_PATH = re.compile(rf"(?:[\w.{{}},-]+/)*[\w.{{}},-]+\.(?:{_SUFFIXES})")
_DOTTED = re.compile(
    r"\bbandmate_(?:music|shared|ingest|train|generate|vocal|model|studio|local|bench|aws|glue|lambda)(?:\.\w+)+"
)
_MAKE = re.compile(r"\bmake ([a-z][a-z-]+)\b")
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
_DECISION = re.compile(r"\b(?:decision|record)s? (?:record )?(\d{4})\b|\((\d{4})\)")

_NOT_IN_THE_REPOSITORY = re.compile(
    r"(NAME|alignment|request|words|lyrics|jsb|song|report|manifest|config|metrics|evaluation|history|latest|modules"
    r"|notes|timemap|peaks|score"
    r"|hyperparameters|platform|openapi|resourceconfig|settings|shards|files|vocal|generation_config)(\.mid|\.txt)?\.(txt|json|html|toml)"
)
"""Names of files that the product reads or writes, so that the repository need not hold them."""


_BUILT = frozenset({"out", "bench-out", "cdk.out", "__pycache__"})


def _files() -> list[str]:
    """The files of the repository as relative paths, without what was built or installed in it."""
    files = []
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [name for name in folders if name not in _BUILT and (name in (".ci", ".github") or name[0] != ".")]
        files += [(Path(folder) / name).relative_to(ROOT).as_posix() for name in names]
    return files


FILES = _files()


def _alternatives(pattern: str) -> list[str]:
    """`a/{b,c}.py` → `a/b.py`, `a/c.py`."""
    match = re.search(r"\{([^{}]*)\}", pattern)
    if match is None:
        return [pattern]
    head, tail = pattern[: match.start()], pattern[match.end() :]
    return [path for middle in match[1].split(",") for path in _alternatives(head + middle + tail)]


def _is_file(path: str) -> bool:
    """Whether a file of the repository is, or ends with, that path."""
    return any(name == path or name.endswith("/" + path) for name in FILES)


def _anchor(heading: str) -> str:
    """GitHub's anchor for a heading."""
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "").strip().lower()
    return re.sub(r"[^\w\- ]", "", text).replace(" ", "-")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_what_a_document_names_exists(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    missing = []
    for code in _CODE.findall(text):
        for pattern in _PATH.findall(code):
            for path in _alternatives(pattern):
                if "…" in code or "<" in code or "*" in code or "://" in code or path.startswith((".", "/")):
                    continue
                if not _NOT_IN_THE_REPOSITORY.fullmatch(Path(path).name) and not _is_file(path):
                    missing.append(f"file {path}")
    for name in _DOTTED.findall(text):
        if not _module_or_attribute(name):
            missing.append(f"module {name}")
    for target in _LINK.findall(text):
        if not target.startswith(("http:", "https:", "mailto:")):
            missing.extend(_broken_link(document, target))
    for spoken, bare in _DECISION.findall(text):
        number = spoken or bare
        if (spoken or number.startswith("0")) and not list((ROOT / "docs/decisions").glob(f"{number}-*.md")):
            missing.append(f"decision {number}")
    assert not missing


def _broken_link(document: Path, target: str) -> list[str]:
    path, _, anchor = unquote(target).partition("#")
    linked = (document.parent / path).resolve() if path else document
    if not linked.exists():
        return [f"link {target}"]
    if anchor and linked.suffix == ".md":
        anchors = {_anchor(heading) for heading in _HEADING.findall(linked.read_text(encoding="utf-8"))}
        if anchor not in anchors:
            return [f"anchor {target}"]
    return []


def _module_or_attribute(name: str) -> bool:
    """Whether the dotted name is a module of the repository, or a name that is defined or imported in one."""
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        stem = "/".join(parts[:length])
        files = [path for path in (f"{stem}.py", f"{stem}/__init__.py") if _is_file(path)]
        if files:
            if length == len(parts):
                return True
            source = next(ROOT / path for path in FILES if path.endswith(files[0])).read_text(encoding="utf-8")
            return re.search(rf"\b{parts[length]}\b", source) is not None
    return False


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_make_targets_of_a_document_exist(document: Path) -> None:
    targets = set(re.findall(r"^([a-z][a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    text = document.read_text(encoding="utf-8")
    named = {match for code in _CODE.findall(text) for match in _MAKE.findall(code)}
    named |= set(re.findall(r"^    make ([a-z][a-z-]+)", text, re.MULTILINE))
    assert named <= targets


def test_the_index_of_decisions_names_every_record() -> None:
    index = (ROOT / "docs/decisions/README.md").read_text(encoding="utf-8")
    linked = set(re.findall(r"\]\((\d{4}-[\w-]+\.md)\)", index))
    assert {path.name for path in (ROOT / "docs/decisions").glob("0*.md")} <= linked
