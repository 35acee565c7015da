"""The CDK app: `cdk deploy --all -c size=small -c tag=2026-11-23` (docs/howto/deploy.md).

Account and region come from the credentials in use and from `sizes.toml`; nothing is looked up while synthesising,
so the templates can be made on a machine without an account.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from aws_cdk import App
from bandmate_aws.installation import build
from bandmate_aws.sizes import read_size


def main() -> None:
    app = App()
    size = read_size(app.node.try_get_context("size") or "dev")
    if app.node.try_get_context("hardware") == "gpu":
        size = size.with_gpus()
    endpoint = app.node.try_get_context("endpoint")
    build(app, size.with_endpoint(endpoint) if endpoint else size, app.node.try_get_context("tag") or "initial")
    app.synth()


if __name__ == "__main__":
    main()
