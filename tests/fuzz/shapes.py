"""JWS texts made of any bytes at all, signed or not, and what to draw JSON from."""

import base64
import json
from typing import Any

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from hypothesis import strategies as st

from obo_mcp.secret import Secret
from support.tokens import KID, key

ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=12)
"""Lone surrogates too: JSON can write them, UTF-8 cannot."""
WHOLE_NUMBERS = (
    st.integers()
    | st.integers(-(2**70), 2**70)
    | st.sampled_from([-1, 0, 2**31, 2**33 - 1, 2**33, 2**63, 10**30])
)


def json_values(floats: st.SearchStrategy[float]) -> st.SearchStrategy[Any]:
    scalars = st.none() | st.booleans() | WHOLE_NUMBERS | floats | ANY_TEXT
    return st.recursive(
        scalars,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(ANY_TEXT, inner, max_size=4),
        max_leaves=8,
    )


JSON = json_values(st.floats() | st.sampled_from([1e30, 1.0]))
"""With NaN and Infinity, which Python writes although they are not JSON."""
STRICT_JSON = json_values(st.floats(allow_nan=False, allow_infinity=False))


def b64(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def unb64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def json_bytes(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


HEADER = json_bytes({"alg": "RS256", "typ": "JWT", "kid": KID})


def signed_text(header: bytes, payload: bytes, with_key: str = KID) -> str:
    """A JWS with a right signature, whatever its header and payload are."""
    signing_input = f"{b64(header)}.{b64(payload)}"
    signature = key(with_key).sign(signing_input.encode(), PKCS1v15(), SHA256())
    return f"{signing_input}.{b64(signature)}"


def signed(header: bytes, payload: bytes) -> Secret:
    return Secret(signed_text(header, payload))
