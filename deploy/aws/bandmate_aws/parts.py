"""The stacks that the running parts are built on, handed around together."""

from dataclasses import dataclass

from bandmate_aws.database import DatabaseStack
from bandmate_aws.images import ImagesStack
from bandmate_aws.network import NetworkStack
from bandmate_aws.notices import NoticesStack
from bandmate_aws.queues import QueuesStack
from bandmate_aws.sizes import Size
from bandmate_aws.storage import StorageStack


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
