"""The health check of the stand-in: whether it answers on its port."""

import sys
import urllib.request
from pathlib import Path

try:
    port = int(Path("/tmp/port.json").read_text())  # noqa: S108 - the container's own /tmp
    urllib.request.urlopen(f"http://127.0.0.1:{port}/moto-api/data.json", timeout=2).close()
except (OSError, ValueError) as error:
    sys.exit(f"the stand-in does not answer: {error}")
