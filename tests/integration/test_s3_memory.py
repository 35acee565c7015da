"""Large files pass through a process, and not into its memory."""

import subprocess
import sys
from pathlib import Path

import pytest
from bandmate_shared.storage import open_storage, sha256_of

from tests.moto_server import MotoServer

MEBIBYTES = 150
ALLOWED_MEBIBYTES = 100
"""Of growth. Five parts of eight mebibytes are under way at most, each once more while it is signed and sent."""

MEASURE = """
import re, sys
from pathlib import Path
from bandmate_shared.storage import open_storage

def peak():
    # Not ru_maxrss, which a process inherits from the one that started it.
    return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) / 1024

storage = open_storage(sys.argv[1])
storage.put("small", b"x")  # The client is made, and its memory counted.
before = peak()
{work}
print(peak() - before)
"""
WORK = {
    "put": "storage.put('big', Path(sys.argv[2]), if_absent=True)",
    "fetch": "storage.fetch('there', Path(sys.argv[2]).with_name('copy'))",
    "blocks": "sum(len(block) for block in storage.blocks('there', 1000))",
}


@pytest.fixture
def big(tmp_path: Path) -> Path:
    path = tmp_path / "big"
    block = bytes(range(256)) * 4096
    with path.open("wb") as file:
        for number in range(MEBIBYTES):
            file.write(number.to_bytes(8) + block[8:])
    return path


@pytest.mark.parametrize("work", sorted(WORK))
def test_memory_does_not_grow_with_the_file(aws: MotoServer, bucket: str, big: Path, work: str) -> None:
    url = f"s3://{bucket}/memory"
    if work != "put":
        open_storage(url).put("there", big)
    measured = subprocess.run(
        [sys.executable, "-c", MEASURE.format(work=WORK[work]), url, str(big)],
        capture_output=True, text=True, timeout=250, check=False,
    )  # fmt: skip
    assert measured.returncode == 0, measured.stderr
    assert float(measured.stdout) < ALLOWED_MEBIBYTES
    if work == "fetch":
        assert sha256_of(big.with_name("copy")) == sha256_of(big)
