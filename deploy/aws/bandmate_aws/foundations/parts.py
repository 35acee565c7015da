"""The stacks that the services are built on, passed together."""

from dataclasses import dataclass

from bandmate_aws.foundations.database import DatabaseStack
from bandmate_aws.foundations.images import ImagesStack
from bandmate_aws.foundations.network import NetworkStack
from bandmate_aws.foundations.notices import NoticesStack
from bandmate_aws.foundations.queues import QueuesStack
from bandmate_aws.foundations.storage import StorageStack
from bandmate_aws.sizes import Size


@dataclass(frozen=True)
class Parts:
    """`tag` is the image tag that is deployed."""

    size: Size
    tag: str
    network: NetworkStack
    notices: NoticesStack
    storage: StorageStack
    database: DatabaseStack
    queues: QueuesStack
    images: ImagesStack
