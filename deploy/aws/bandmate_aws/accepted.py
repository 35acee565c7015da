"""Acknowledges the findings of cdk-nag that `accepted.toml` accepts, each with its reason; others stop `make synth`."""

import tomllib
from collections.abc import Mapping
from pathlib import Path

from aws_cdk import Acknowledgment, Stack, Validations

from bandmate_aws.sizes import Size

FILE = Path(__file__).parents[1] / "accepted.toml"

STORE = "BandmateStorage:ExportsOutputFnGetAttStore1D2A845BArnE59B7AE7"
"""The bucket's ARN as findings of other stacks write it."""


def accepted(size: Size) -> Mapping[str, Mapping[str, str]]:
    """Accepted findings and their reasons, by stack. A later entry of the file replaces an earlier one."""
    applies = {
        "always": True,
        "gpus": size.uses_gpus,
        "single-zone": not size.database.multi_az,
        "trial": not size.keep_data,
    }
    values = {
        "region": size.region,
        "size": size.name,
        "store": STORE,
        "arn": "arn:<AWS::Partition>",
        "account": "<AWS::AccountId>",
    }
    findings: dict[str, dict[str, str]] = {}
    for finding in tomllib.loads(FILE.read_text(encoding="utf-8"))["finding"]:
        if applies[finding.get("when", "always")]:
            of_stack = findings.setdefault(finding["stack"], {})
            of_stack[finding["id"].format_map(values)] = finding["reason"].format_map(values)
    return findings


def acknowledge(stacks: Mapping[str, Stack], size: Size) -> None:
    """Tell cdk-nag about every accepted finding."""
    for name, findings in accepted(size).items():
        for finding, reason in findings.items():
            Validations.of(stacks[name]).acknowledge(Acknowledgment(id=finding, reason=reason))
