"""The synthesised templates of an installation, read back: `make synth` has to have run."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "cdk.out"
SIZES = ("dev", "small", "large")
VARIANTS = (*SIZES, "large-gpu", "small-realtime", "large-async")


@dataclass(frozen=True)
class Resource:
    """One resource. `id` is `Stack/LogicalId`; the values of `properties` are resolved: see `Installation`."""

    id: str
    type: str
    properties: dict[str, Any]
    raw: dict[str, Any]


class Installation:
    """All templates of one variant. References, also those between stacks, read `<Stack/LogicalId>` or
    `<Stack/LogicalId.Attribute>`; pseudo parameters `<Region>`, `<AccountId>`, `<Partition>`; joins are joined."""

    def __init__(self, folder: Path) -> None:
        self.size, _, variation = folder.name.partition("-")
        self.hardware = "gpu" if variation == "gpu" else "cpu"
        self.endpoint = variation if variation in ("realtime", "async") else "none"
        self.is_dev = self.size == "dev"
        self.templates = {
            path.name.split(".")[0]: json.loads(path.read_text()) for path in folder.glob("*.template.json")
        }
        assert self.templates, f"{folder} holds no templates; run `make synth`"
        self._exports: dict[str, tuple[str, Any]] = {
            output["Export"]["Name"]: (stack, output["Value"])
            for stack, template in self.templates.items()
            for output in template.get("Outputs", {}).values()
            if "Export" in output
        }
        self.resources = [
            Resource(
                f"{stack}/{name}",
                raw["Type"],
                self.resolve(stack, raw.get("Properties", {})),
                raw,
            )
            for stack, template in self.templates.items()
            for name, raw in template["Resources"].items()
        ]

    def of_type(self, kind: str) -> list[Resource]:
        """Resources of a CloudFormation type, with or without `AWS::` before it."""
        return [resource for resource in self.resources if resource.type in (kind, f"AWS::{kind}")]

    def only(self, kind: str, **properties: Any) -> Resource:
        """The only resource of a type whose properties have these values."""
        matches = [
            resource
            for resource in self.of_type(kind)
            if all(resource.properties.get(name) == value for name, value in properties.items())
        ]
        assert len(matches) == 1, f"{len(matches)} resources {kind} with {properties}"
        return matches[0]

    def by_reference(self, reference: str) -> Resource:
        """The resource behind `<Stack/LogicalId>` or `<Stack/LogicalId.Attribute>`."""
        name = reference.strip("<>").split(".")[0]
        return next(resource for resource in self.resources if resource.id == name)

    def resolve(self, stack: str, value: Any) -> Any:
        if isinstance(value, list):
            return [self.resolve(stack, item) for item in value]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            ((name, inner),) = value.items()
            match name:
                case "Ref":
                    return f"<{inner.removeprefix('AWS::')}>" if inner.startswith("AWS::") else f"<{stack}/{inner}>"
                case "Fn::GetAtt":
                    return f"<{stack}/{inner[0]}.{inner[1]}>"
                case "Fn::ImportValue":
                    return self.resolve(*self._exports[inner])
                case "Fn::Join":
                    separator, parts = inner
                    return separator.join(str(self.resolve(stack, part)) for part in parts)
                case "Fn::Select" | "Fn::Split" | "Fn::GetAZs" | "Fn::Sub" | "Fn::Base64":
                    return f"<{name}:{json.dumps(self.resolve(stack, inner))}>"
        return {name: self.resolve(stack, inner) for name, inner in value.items()}


@cache
def read_installation(variant: str) -> Installation:
    """A variant's templates, read once."""
    return Installation(FOLDER / variant)


@dataclass(frozen=True)
class Statement:
    """One statement of a role's policy."""

    role: str
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    conditions: dict[str, Any]
    effect: str


def statements(installation: Installation) -> Iterator[Statement]:
    """What every role may do, from its own and its attached policies."""
    for policy in installation.of_type("IAM::Policy"):
        for role in policy.properties["Roles"]:
            yield from _statements(role.strip("<>"), policy.properties["PolicyDocument"])
    for role in installation.of_type("IAM::Role"):
        for inline in role.properties.get("Policies", []):
            yield from _statements(role.id, inline["PolicyDocument"])


def _statements(role: str, document: dict[str, Any]) -> Iterator[Statement]:
    for statement in document["Statement"]:
        yield Statement(
            role,
            _as_tuple(statement["Action"]),
            _as_tuple(statement["Resource"]),
            statement.get("Condition", {}),
            statement["Effect"],
        )


def _as_tuple(value: str | list[str]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


def containers(installation: Installation) -> Iterator[tuple[Resource, dict[str, Any]]]:
    """Every container with its task definition."""
    for task in installation.of_type("ECS::TaskDefinition"):
        for container in task.properties["ContainerDefinitions"]:
            yield task, container


def family(task: Resource) -> str:
    """`generate-worker`."""
    return str(task.properties["Family"]).removeprefix("bandmate-")


def environment(container: dict[str, Any]) -> dict[str, str]:
    return {variable["Name"]: variable["Value"] for variable in container.get("Environment", [])}


def logical(reference: str) -> str:
    """The logical id without the CDK's hash at its end."""
    return re.sub(r"[0-9A-F]{8}$", "", reference.strip("<>").split(".")[0].split("/")[1])
