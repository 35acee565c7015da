"""Reads an S3 object in blocks, resuming after lost connections."""

import time
from collections.abc import Iterator, Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError, FlexibleChecksumError

from bandmate_shared.errors import Unavailable
from bandmate_shared.objects.partial_file import BLOCK
from bandmate_shared.objects.s3_errors import code_of, s3_errors

MAX_FRUITLESS_RESUMES = 5
"""How often in a row a read is resumed without receiving a byte."""
_PAUSE_SECONDS = 0.1


class ObjectChanged(Unavailable):
    """The object was replaced during the read, or arrived damaged: the read has to start again."""


class Download:
    """An object's bytes from `start` up to `stop`. The first request is sent at once."""

    def __init__(self, client: Any, target: Mapping[str, str], start: int = 0, stop: int | None = None) -> None:
        """Raises botocore's ClientError, and Unavailable."""
        self._client = client
        self._target = target
        self._position = start
        self._stop = stop
        self._etag: str | None = None
        self._body: Any = None
        try:
            self._open()
        except BotoCoreError:
            with s3_errors(f"reading {self._name}"):
                raise

    @property
    def _name(self) -> str:
        return self._target["Key"]

    def blocks(self) -> Iterator[bytes]:
        """About a mebibyte each. Raises Unavailable, ObjectChanged."""
        fruitless = 0
        try:
            while self._body is not None:
                try:
                    block = self._body.read(BLOCK)
                except FlexibleChecksumError as error:
                    raise ObjectChanged(f"{self._name} arrived damaged") from error
                except BotoCoreError as error:
                    fruitless += 1
                    if fruitless > MAX_FRUITLESS_RESUMES:
                        raise Unavailable(f"reading {self._name} broke off: {error}") from error
                    time.sleep(_PAUSE_SECONDS * 2**fruitless)
                    self._resume()
                    continue
                if not block:
                    return
                fruitless = 0
                self._position += len(block)
                yield block
        finally:
            self._close()

    def _resume(self) -> None:
        self._close()
        with s3_errors(f"reading {self._name}"):
            try:
                self._open()
            except ClientError as error:
                if code_of(error) in ("PreconditionFailed", "412", "NoSuchKey", "404"):
                    raise ObjectChanged(f"{self._name} was replaced while it was being read") from error
                raise

    def _open(self) -> None:
        """Request the remaining bytes; `_body` stays None where there are none."""
        if self._stop is not None and self._position >= self._stop:
            # An empty range: only the object's existence is checked.
            self._client.head_object(**self._target)
            return
        options = {} if self._etag is None else {"IfMatch": self._etag}
        if self._position or self._stop is not None:
            options["Range"] = f"bytes={self._position}-{'' if self._stop is None else self._stop - 1}"
        try:
            answer = self._client.get_object(**self._target, **options)
        except ClientError as error:
            if code_of(error) in ("InvalidRange", "416"):
                return
            raise
        self._etag, self._body = answer["ETag"], answer["Body"]

    def _close(self) -> None:
        if self._body is not None:
            self._body.close()
            self._body = None
