"""Large files are streamed: the memory of a process does not grow with them."""

import subprocess
import sys
from pathlib import Path

import pytest
from bandmate_shared.objects.blobs import sha256_of
from bandmate_shared.objects.open import open_storage

from tests.support.moto_server import MotoServer

MEBIBYTES = 150
ALLOWED_MEBIBYTES = 100
"""Allowed growth: at most five parts of eight mebibytes are in flight, and each is copied while it is sent."""

MEASURE = """
import re, sys
from pathlib import Path
from bandmate_shared.objects.open import open_storage

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
    result = subprocess.run(
        [sys.executable, "-c", MEASURE.format(work=WORK[work]), url, str(big)],
        capture_output=True,
        text=True,
        timeout=250,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert float(result.stdout) < ALLOWED_MEBIBYTES
    if work == "fetch":
        assert sha256_of(big.with_name("copy")) == sha256_of(big)
