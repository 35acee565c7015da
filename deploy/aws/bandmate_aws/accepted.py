"""Findings of cdk-nag that we accept, each with its reason. Anything that is not here stops `make synth`."""

from collections.abc import Mapping

from aws_cdk import Acknowledgment, Stack, Validations

from bandmate_aws.sizes import Size

STORE = "BandmateStorage:ExportsOutputFnGetAttStore1D2A845BArnE59B7AE7"
"""How the bucket's ARN reads in a finding of another stack."""

_ARN = "arn:<AWS::Partition>"
_OURS = "<AWS::AccountId>"

PLAIN = (
    "AwsSolutions-ECS2",
    (
        "Plain variables hold names and addresses only; the database's password and the pepper come from Secrets "
        "Manager "
        "(tests/aws/test_secrets.py)."
    ),
)
ANY_RESOURCE = "AwsSolutions-IAM5[Resource::*]"
OBJECTS = (
    f"AwsSolutions-IAM5[Resource::{STORE}/bandmate/*]",
    (
        "Objects are named by their content's hash or by a job's id, so the right is for all below the store's "
        "prefix; what "
        "lies beside it, dropped files among it, is out of reach."
    ),
)
LOGIN = ANY_RESOURCE, "ecr:GetAuthorizationToken, the login of a registry, exists for the whole account only."


def accepted(size: Size) -> Mapping[str, Mapping[str, str]]:
    """Findings and reasons, by stack."""
    found: dict[str, dict[str, str]] = {
        "Network": {
            "AwsSolutions-EC23": "The load balancer is the public door: it listens to the world on 443, and on 80 to "
            "redirect there."
        },
        "Database": {
            "AwsSolutions-SMG4": "The pepper cannot rotate: every API key is hashed with it, and a new one would make "
            "them all invalid. The database's password does rotate.",
            "AwsSolutions-RDS11": "Postgres stays on its own port. Only the tasks' security group reaches it, in "
            "subnets "
            "without a way in or out; another port would hide it from nobody.",
        },
        "Cluster": dict([PLAIN, LOGIN]),
        "Services": dict(
            [
                PLAIN,
                OBJECTS,
                (
                    ANY_RESOURCE,
                    "ecr:GetAuthorizationToken and Polly's two (without a lexicon) have no resource to "
                    "name; "
                    "tests/aws/test_permissions.py allows these two and no other.",
                ),
                (
                    f"AwsSolutions-IAM5[Resource::{_ARN}:ecs:{size.region}:{_OURS}:task/bandmate/*]",
                    "A worker guards itself from scale-in, and a task's id is not known before it runs; the right "
                    "ends at "
                    "this cluster.",
                ),
                (
                    f"AwsSolutions-IAM5[Resource::{_ARN}:sagemaker:{size.region}:{_OURS}:training-job/bandmate-*]",
                    "Training jobs are named when they are started; the right ends at names of ours.",
                ),
                (
                    f"AwsSolutions-IAM5[Resource::{_ARN}:logs:{size.region}:{_OURS}:log-group:/aws/sagemaker/TrainingJobs:*]",
                    "Log streams are named by SageMaker when a training starts; the right is to read this one log "
                    "group.",
                ),
            ]
        ),
        "SageMaker": dict(
            [
                OBJECTS,
                (
                    ANY_RESOURCE,
                    "ecr:GetAuthorizationToken has no resource to name; cloudwatch:PutMetricData has none either "
                    "and is "
                    "limited to SageMaker's namespaces.",
                ),
                *(
                    (
                        f"AwsSolutions-IAM5[Resource::{_ARN}:logs:{size.region}:{_OURS}:log-group:/aws/sagemaker/{kind}*]",
                        "SageMaker names the log streams itself.",
                    )
                    for kind in ("TrainingJobs", "Endpoints/bandmate-model")
                ),
            ]
        ),
        "Glue": dict(
            [
                OBJECTS,
                (
                    ANY_RESOURCE,
                    "cloudwatch:PutMetricData has no resource to name; it is limited to Glue's namespace.",
                ),
                (
                    f"AwsSolutions-IAM5[Resource::{_ARN}:logs:{size.region}:{_OURS}:log-group:/aws-glue/jobs/*]",
                    "Glue names the log groups itself.",
                ),
                (
                    "AwsSolutions-GL1",
                    "CloudWatch encrypts every log with its own key; the job logs counts and file names, no music, "
                    "and a key "
                    "of ours would add its price and nothing else.",
                ),
                ("AwsSolutions-GL3", "The job uses no bookmarks: a manifest in the store says what was read."),
            ]
        ),
    }
    found["Events"] = {
        f"AwsSolutions-IAM5[Resource::{STORE}/incoming/*]": "People name the files they drop; the right "
        "ends at the folder they drop them into.",
        "AwsSolutions-L1": "The functions run the Python that their tests run, 3.11, as everything else here does.",
    }
    if size.uses_gpus:
        found["Cluster"] |= {
            ANY_RESOURCE: "ecr:GetAuthorizationToken, and what the ECS agent of an instance asks before it has "
            "joined a "
            "cluster (ecs:DiscoverPollEndpoint), have no resource to name.",
            "AwsSolutions-IAM5[Action::ecs:Submit*]": "The ECS agent reports the state of tasks, containers and "
            "attachments; "
            "the right holds for this cluster only.",
            "AwsSolutions-EC26": "The launch template encrypts the disk; the rule looks at the group itself, where "
            "none is "
            "named.",
            "AwsSolutions-AS3": "ECS starts and ends instances all day, which is no news; failed starts and ends "
            "are reported.",
        }
    if not size.database.multi_az:
        found["Database"]["AwsSolutions-RDS3"] = (
            f"Size {size.name!r} trades a standby for half the price: after the loss of a zone the database is "
            f"restored from "
            "its backups by hand (docs/howto/runbook.md)."
        )
    if not size.keep_data:
        found["Database"]["AwsSolutions-RDS10"] = (
            f"Size {size.name!r} is for trying things: it goes in one command, with its data."
        )
    return found


def acknowledge(stacks: Mapping[str, Stack], size: Size) -> None:
    """Tell cdk-nag about every accepted finding."""
    for name, findings in accepted(size).items():
        for finding, reason in findings.items():
            Validations.of(stacks[name]).acknowledge(Acknowledgment(id=finding, reason=reason))
