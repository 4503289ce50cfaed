"""Names of the AT Protocol: content identifiers of records and blobs, and TIDs."""

import base64
import hashlib
import json
import re
from typing import Any

from sandbox.identifiers import Identifiers

_SORTABLE = "234567abcdefghijklmnopqrstuvwxyz"
_TID = re.compile(r"[234567abcdefghij][234567a-z]{12}")
_CID_V1, _RAW, _DAG_CBOR, _SHA2_256 = 0x01, 0x55, 0x71, b"\x12\x20"


def _cid(codec: int, content: bytes) -> str:
    digest = hashlib.sha256(content).digest()
    packed = bytes([_CID_V1, codec]) + _SHA2_256 + digest
    return "b" + base64.b32encode(packed).decode().lower().rstrip("=")


def blob_cid(content: bytes) -> str:
    """A blob's real CID: `bafkrei…`."""
    return _cid(_RAW, content)


def record_cid(record: dict[str, Any]) -> str:
    """A record's CID, `bafyrei…`: of its canonical JSON where the network hashes DAG-CBOR."""
    canonical = json.dumps(record, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return _cid(_DAG_CBOR, canonical.encode())


def is_tid(text: str) -> bool:
    return _TID.fullmatch(text) is not None


def next_tid(identifiers: Identifiers) -> str:
    """53 bits of microseconds, 10 bits of clock id, in 13 letters that sort by time."""
    number = identifiers.next() << 10
    return "".join(_SORTABLE[number >> shift & 31] for shift in range(60, -1, -5))
