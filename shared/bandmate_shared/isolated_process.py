"""A Python child that reads what strangers send, with none of our environment: no keys lie where a hostile file could
find them."""

import os
import subprocess
import sys


def start_isolated(code: str) -> "subprocess.Popen[bytes]":
    """Run code in a child that speaks over pipes and says nothing on stderr. Our import path is its arguments."""
    environment = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "LC_ALL": "C.UTF-8"}
    if "LD_LIBRARY_PATH" in os.environ:
        environment["LD_LIBRARY_PATH"] = os.environ["LD_LIBRARY_PATH"]
    return subprocess.Popen(
        [sys.executable, "-I", "-c", code, *(path for path in sys.path if path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment,
    )
