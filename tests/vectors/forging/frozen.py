"""The corpus as a document: made anew, written, and read back."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vectors.forging import (
    algorithm,
    claims,
    control,
    headers,
    key_choice,
    kinds,
    payload,
    signature,
    strangers,
    structure,
)
from vectors.forging.material import NOW, POLICY, Item
from vectors.forging.published import key_sets

FILE = Path(__file__).parents[1] / "forged.json"
ABOUT = (
    "Forged access tokens, tokens of the wrong kind, and good ones as controls (expected: empty). "
    "Made by tests/vectors/forge.py; the private keys were thrown away. 'policy' of an item "
    "changes members of the common one. A token is text, or {'repeat': [[text, times], ...]}."
)
FAMILIES = (
    algorithm, signature, key_choice, headers, structure, payload, claims, kinds, strangers,
    control,
)  # fmt: skip
_RUN = re.compile(r"(.{1,16}?)\1{99,}", re.DOTALL)


def corpus() -> dict[str, Any]:
    """Every item, made and signed now."""
    return {
        "about": ABOUT,
        "now": NOW,
        "policy": POLICY,
        "keys": key_sets(),
        "items": [_entry(item) for family in FAMILIES for item in family.items()],
    }


def write(document: Mapping[str, Any], file: Path = FILE) -> None:
    file.write_text(json.dumps(document, indent=1) + "\n", "ascii")


def read(file: Path = FILE) -> dict[str, Any]:
    return json.loads(file.read_text("ascii"))


def meaning(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """All that a corpus says except the tokens and keys, which are new in every run."""
    rest = {name: document[name] for name in ("about", "now", "policy")}
    items = [{k: v for k, v in item.items() if k != "token"} for item in document["items"]]
    return [rest, *items]


def text_of(token: str | Mapping[str, Any]) -> str:
    """The token in full."""
    if isinstance(token, str):
        return token
    return "".join(piece * times for piece, times in token["repeat"])


def _entry(item: Item) -> dict[str, Any]:
    entry = {
        "id": item.id,
        "family": item.family,
        "token": _packed(item.token),
        "reason": item.reason,
        "clause": item.clause,
        "expected": item.expected,
    }
    return entry | ({"policy": dict(item.policy)} if item.policy else {})


def _packed(token: str) -> str | dict[str, Any]:
    """Long runs written once, with how often; everything else as it is."""
    pieces: list[tuple[str, int]] = []
    end = 0
    for run in _RUN.finditer(token):
        pieces += [(token[end : run.start()], 1), (run[1], len(run[0]) // len(run[1]))]
        end = run.end()
    if not pieces:
        return token
    pieces.append((token[end:], 1))
    return {"repeat": [[text, times] for text, times in pieces if text]}
