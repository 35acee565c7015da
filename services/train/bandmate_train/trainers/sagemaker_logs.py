"""Read the output of a SageMaker training job from CloudWatch Logs.

Every start of the job's container on a host has a stream `<job>/<host>-<time>` in /aws/sagemaker/TrainingJobs. Lines
arrive some seconds after they were printed, those of an ended job too.
"""

from collections.abc import Iterator
from typing import Any

from botocore.exceptions import ClientError

GROUP = "/aws/sagemaker/TrainingJobs"
FIRST_HOST = "algo-1"


class JobLog:
    """Iterates over the lines of a job's log streams, each once."""

    def __init__(self, logs: Any, job_name: str) -> None:
        self._logs = logs
        self._job_name = job_name
        self._tokens: dict[str, str] = {}

    def new_lines(self) -> Iterator[str]:
        """Lines since the last call, stream by stream; those of other hosts than the first begin with the host."""
        for stream in self._streams():
            host = stream.rpartition("/")[2].rpartition("-")[0]
            prefix = "" if host == FIRST_HOST else f"[{host}] "
            for text in self._read(stream):
                yield from (prefix + line for line in text.splitlines())

    def _streams(self) -> list[str]:
        query: dict[str, Any] = {"logGroupName": GROUP, "logStreamNamePrefix": f"{self._job_name}/"}
        streams: list[dict[str, Any]] = []
        while True:
            try:
                answer = self._logs.describe_log_streams(**query)
            except ClientError as error:
                if error.response["Error"]["Code"] == "ResourceNotFoundException":
                    return []  # The account's first training has not printed anything yet.
                raise
            streams += answer["logStreams"]
            if "nextToken" not in answer:
                streams.sort(key=lambda stream: int(stream["creationTime"]))
                return [str(stream["logStreamName"]) for stream in streams]
            query["nextToken"] = answer["nextToken"]

    def _read(self, stream: str) -> Iterator[str]:
        while True:
            token = self._tokens.get(stream)
            position = {"nextToken": token} if token is not None else {}
            answer = self._logs.get_log_events(logGroupName=GROUP, logStreamName=stream, startFromHead=True, **position)
            yield from (str(event["message"]) for event in answer["events"])
            self._tokens[stream] = answer["nextForwardToken"]
            if answer["nextForwardToken"] == token:  # The end so far; a page before it may be empty.
                return
