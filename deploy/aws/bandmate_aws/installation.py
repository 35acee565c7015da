"""All stacks of an installation, in deployment order. There is one installation an account and region:
queues, repositories and secrets have fixed names."""

from typing import Any

from aws_cdk import App, Environment, Stack, Tags, Validations
from cdk_nag import AwsSolutionsChecks

from bandmate_aws.accepted import acknowledge
from bandmate_aws.compute.cluster import ClusterStack
from bandmate_aws.compute.services import ServicesStack
from bandmate_aws.foundations.database import DatabaseStack
from bandmate_aws.foundations.images import ImagesStack
from bandmate_aws.foundations.network import NetworkStack
from bandmate_aws.foundations.notices import NoticesStack
from bandmate_aws.foundations.parts import Parts
from bandmate_aws.foundations.queues import QueuesStack
from bandmate_aws.foundations.storage import StorageStack
from bandmate_aws.sizes import Size
from bandmate_aws.workloads.events import EventsStack
from bandmate_aws.workloads.glue import GlueStack
from bandmate_aws.workloads.observability import ObservabilityStack
from bandmate_aws.workloads.sagemaker import SageMakerStack

PREFIX = "Bandmate"


def build(app: App, size: Size, tag: str) -> dict[str, Stack]:
    """Add the stacks to an app, by their names without prefix. `tag` names the images that are deployed."""
    common: dict[str, Any] = {
        "env": Environment(region=size.region),
        "termination_protection": size.keep_data,
    }

    def name(stack: str) -> str:
        return f"{PREFIX}{stack}"

    images = ImagesStack(app, name("Images"), size=size, **common)
    network = NetworkStack(app, name("Network"), size=size, **common)
    notices = NoticesStack(app, name("Notices"), size=size, **common)
    storage = StorageStack(app, name("Storage"), size=size, **common)
    queues = QueuesStack(app, name("Queues"), notices=notices, **common)
    database = DatabaseStack(app, name("Database"), size=size, network=network, notices=notices, **common)
    parts = Parts(size, tag, network, notices, storage, database, queues, images)
    cluster = ClusterStack(app, name("Cluster"), parts=parts, **common)
    sagemaker = SageMakerStack(app, name("SageMaker"), parts=parts, **common)
    services = ServicesStack(app, name("Services"), parts=parts, cluster=cluster, sagemaker=sagemaker, **common)
    stacks: dict[str, Stack] = {
        "Images": images,
        "Network": network,
        "Notices": notices,
        "Storage": storage,
        "Queues": queues,
        "Database": database,
        "Cluster": cluster,
        "SageMaker": sagemaker,
        "Services": services,
        "Glue": GlueStack(app, name("Glue"), parts=parts, **common),
        "Events": EventsStack(app, name("Events"), parts=parts, **common),
        "Observability": ObservabilityStack(
            app,
            name("Observability"),
            parts=parts,
            balancer=services.balancer,
            target_groups=services.target_groups,
            **common,
        ),
    }
    Tags.of(app).add("application", "bandmate")
    Tags.of(app).add("size", size.name)
    Validations.of(app).add_plugins(AwsSolutionsChecks(app, verbose=True))
    acknowledge(stacks, size)
    return stacks
