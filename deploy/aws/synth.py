"""`make synth`: the templates of every size, offline, into cdk.out/<variant>/, checked by cdk-nag.

The sizes as they are, one with GPUs, and two with a SageMaker endpoint in the place of the model beside the worker.
"""

import json
import os
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
# The templates are the same on every Node that runs the CDK's engine; its advice on versions is not ours to print.
os.environ.setdefault("JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION", "20")

from aws_cdk import App
from bandmate_aws.installation import build
from bandmate_aws.sizes import Size, read_size, size_names

ROOT = Path(__file__).parents[2]
CONTEXT = json.loads((Path(__file__).parent / "cdk.json").read_text())["context"]


def variants() -> dict[str, Size]:
    sizes = {name: read_size(name) for name in size_names()}
    return sizes | {
        "large-gpu": sizes["large"].with_gpus(),
        "small-realtime": sizes["small"].with_endpoint("realtime"),
        "large-async": sizes["large"].with_endpoint("async"),
    }


def main() -> None:
    names = sys.argv[1:] or list(variants())
    for name in names:
        started = time.monotonic()
        app = App(outdir=str(ROOT / "cdk.out" / name), context=CONTEXT)
        stacks = build(app, variants()[name], "initial")
        app.synth()
        sys.stdout.write(f"{name}: {len(stacks)} stacks in {time.monotonic() - started:.0f} s\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
