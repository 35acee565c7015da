"""The commands of docs/howto/deploy.md do what the page says."""

import re
import subprocess
from pathlib import Path

from tests.aws.templates import ROOT

PAGE = (ROOT / "docs/howto/deploy.md").read_text()


def test_a_rollback_deploys_the_old_tag(tmp_path: Path) -> None:
    """CDK takes the last of several values for one context key, and the function passes its own after the caller's."""
    (function,) = re.findall(r"^ *(cdk\(\) \{.*\})$", PAGE, re.MULTILINE)
    (line,) = re.findall(r"\*\*Roll back:\*\* (.*)", PAGE)
    commands = [command.replace("<the old one>", "old") for command in re.findall(r"`([^`]+)`", line)]
    commands = [command for command in commands if command.startswith(("TAG=", "cdk "))]
    npx = tmp_path / "npx"
    npx.write_text('#!/bin/sh\necho "$@"\n')
    npx.chmod(0o755)
    script = "\n".join(["TAG=new SIZE=small", function, *commands])
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin"}
    result = subprocess.run(["bash", "-c", script], env=environment, capture_output=True, text=True, check=True)
    assert re.findall(r"-c tag=(\S+)", result.stdout)[-1:] == ["old"], result.stdout
    assert "BandmateServices" in result.stdout
