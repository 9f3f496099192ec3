"""The bytes of an answer, unpacked no further than they may be long.

The client's own unpacking knows no bound: some kilobytes of gzip are gigabytes in memory.
"""

import zlib
from collections.abc import Mapping
from types import MappingProxyType

from obo_graph.errors import NO_ANSWER, GraphFailure

UNPACKED: Mapping[str, str] = MappingProxyType({"Accept-Encoding": "identity"})
"""The header of every request: what we ask for is small, and may hold what strangers wrote."""

PACKING = "content-encoding"
"""The header that says how an answer is packed."""

_GZIP = 16 + zlib.MAX_WBITS


class Unpacking:
    """Undoes one Content-Encoding, for at most `most` bytes that come out.

    We ask for none (RFC 9110 section 12.5.3), but something on the way may pack all the same.
    """

    def __init__(self, encoding: str, most: int) -> None:
        if encoding.lower() not in {"", "identity", "gzip"}:
            raise GraphFailure(NO_ANSWER, "unexpected")
        self._gzip = zlib.decompressobj(_GZIP) if encoding.lower() == "gzip" else None
        self._left = most

    def plain(self, chunk: bytes) -> bytes:
        """What `chunk` unpacks to.

        Raises:
            GraphFailure: it is more than there may be (`too_large`), or no gzip (`unexpected`).
        """
        if self._gzip:
            try:
                chunk = self._gzip.decompress(chunk, self._left + 1)
            except zlib.error:
                raise GraphFailure(NO_ANSWER, "unexpected") from None
        self._left -= len(chunk)
        if self._left < 0:
            raise GraphFailure(NO_ANSWER, "too_large")
        return chunk
