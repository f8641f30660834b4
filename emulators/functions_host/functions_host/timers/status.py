"""The schedule monitor: when a timer ran and is next due, so that an occurrence missed while down fires once.

Blob `azure-webjobs-hosts/timers/<hostId>/<functionId>/status` (webjobs-sdk-extensions, StorageScheduleMonitor.cs).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from azure.core.exceptions import ResourceNotFoundError
from azure.storage.blob import BlobServiceClient

CONTAINER = "azure-webjobs-hosts"


@dataclass(frozen=True)
class TimerStatus:
    last: datetime | None
    next: datetime
    last_updated: datetime

    def to_dict(self) -> dict[str, Any]:
        """The wire form, which the handler sees as `schedule_status` too."""
        return {
            "Last": self.last.isoformat() if self.last else "0001-01-01T00:00:00",
            "Next": self.next.isoformat(),
            "LastUpdated": self.last_updated.isoformat(),
        }

    @classmethod
    def from_dict(cls, content: dict[str, Any]) -> TimerStatus:
        last = datetime.fromisoformat(content["Last"])
        return cls(
            last=last if last.year > 1 else None,
            next=datetime.fromisoformat(content["Next"]),
            last_updated=datetime.fromisoformat(content["LastUpdated"]),
        )


class ScheduleMonitor:
    def __init__(self, service: BlobServiceClient, host_id: str, function_id: str) -> None:
        self._service = service
        self._blob = service.get_blob_client(CONTAINER, f"timers/{host_id}/{function_id}/status")

    def read(self) -> TimerStatus | None:
        try:
            return TimerStatus.from_dict(json.loads(self._blob.download_blob().readall()))
        except ResourceNotFoundError:
            return None

    def write(self, status: TimerStatus) -> None:
        content = json.dumps(status.to_dict()).encode()
        try:
            self._blob.upload_blob(content, overwrite=True)
        except ResourceNotFoundError:
            self._service.create_container(CONTAINER)
            self._blob.upload_blob(content, overwrite=True)
