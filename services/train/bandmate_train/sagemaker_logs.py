"""What a SageMaker training job prints, out of CloudWatch Logs.

Every start of the job's container on a host has a stream `<job>/<host>-<time>` in /aws/sagemaker/TrainingJobs. Lines
arrive some seconds after they were printed, those of an ended job too.
"""

from collections.abc import Iterator
from typing import Any

from botocore.exceptions import ClientError

GROUP = "/aws/sagemaker/TrainingJobs"
FIRST_HOST = "algo-1"


class JobLog:
    """Reads a job's lines, each once."""

    def __init__(self, logs: Any, job_name: str) -> None:
        self._logs = logs
        self._job_name = job_name
        self._tokens: dict[str, str] = {}

    def new_lines(self) -> Iterator[str]:
        """Lines that have come since the last call, stream by stream. Another host than the first is named before."""
        for stream in self._streams():
            host = stream.rpartition("/")[2].rpartition("-")[0]
            prefix = "" if host == FIRST_HOST else f"[{host}] "
            for text in self._read(stream):
                yield from (prefix + line for line in text.splitlines())

    def _streams(self) -> list[str]:
        asked: dict[str, Any] = {"logGroupName": GROUP, "logStreamNamePrefix": f"{self._job_name}/"}
        found: list[dict[str, Any]] = []
        while True:
            try:
                answer = self._logs.describe_log_streams(**asked)
            except ClientError as error:
                if error.response["Error"]["Code"] == "ResourceNotFoundException":
                    return []  # The account's first training has not printed anything yet.
                raise
            found += answer["logStreams"]
            if "nextToken" not in answer:
                return [str(each["logStreamName"]) for each in sorted(found, key=lambda each: each["creationTime"])]
            asked["nextToken"] = answer["nextToken"]

    def _read(self, stream: str) -> Iterator[str]:
        while True:
            token = self._tokens.get(stream)
            position = {"nextToken": token} if token is not None else {}
            answer = self._logs.get_log_events(logGroupName=GROUP, logStreamName=stream, startFromHead=True, **position)
            yield from (str(event["message"]) for event in answer["events"])
            self._tokens[stream] = answer["nextForwardToken"]
            if answer["nextForwardToken"] == token:  # The end of the stream, for now. A page may be empty before it.
                return
