"""The messages of the blob trigger's one internal queue; both sources, scan and Event Grid, write them.

Format: azure-sdk-for-net, Listeners/BlobTriggerMessage.cs. It is also what lands in `webjobs-blobtrigger-poison`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Self

POISON_QUEUE = "webjobs-blobtrigger-poison"


@dataclass(frozen=True)
class BlobTriggerMessage:
    function_id: str
    container: str
    blob: str
    etag: str
    """With its quotes, if the source gave any."""
    blob_type: str = "BlockBlob"

    def to_json(self) -> str:
        return json.dumps(
            {
                "Type": "BlobTrigger",
                "FunctionId": self.function_id,
                "BlobType": self.blob_type,
                "ContainerName": self.container,
                "BlobName": self.blob,
                "ETag": self.etag,
            }
        )

    @classmethod
    def parse(cls, body: bytes) -> Self:
        """Raises ValueError or KeyError for anything else."""
        content = json.loads(body)
        return cls(
            function_id=content["FunctionId"],
            container=content["ContainerName"],
            blob=content["BlobName"],
            etag=content["ETag"],
            blob_type=content.get("BlobType", "BlockBlob"),
        )


def internal_queue_name(host_id: str) -> str:
    return f"azure-webjobs-blobtrigger-{host_id}"
