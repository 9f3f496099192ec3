"""What obo-mcp promises, with the figure it is held to.

Every promise is named by at least one test (`@pytest.mark.promise("P-01")`), every such mark
names a promise, and docs/explanation/promises.md shows them all; tests/test_docs.py compares.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Promise:
    """`text` says it to users, `figure` is the pass line, `goal` the number it grew from."""

    text: str
    figure: str
    goal: str


PROMISES = {
    "P-01": Promise(
        "A forged token, or one of the wrong kind, never reaches a tool.",
        "0 accepted of 1,029 forgeries and 20,000 mutations (1,000,000 at night); each forgery "
        "refused with its own error in under 2 ms (p99) and 1 MiB",
        "G1, G2",
    ),
    "P-02": Promise(
        "The authority's signing keys never fail the people whose keys we know.",
        "unknown key ids: at most 1 fetch in 5 minutes, endpoint up or down; known keys: 0 refused "
        "in 24 h of outage; 100 rotations: 0 requests lost",
        "G5, G6",
    ),
    "P-03": Promise(
        "Nobody gets another person's token, data or error.",
        "0 of the interleaved calls, whatever the token endpoint answered to somebody else",
        "G9",
    ),
    "P-04": Promise(
        "A kept token serves only the sign-in that earned it, and outlives neither.",
        "0 served under another key, or after its end or its assertion's",
        "G11, G16",
    ),
    "P-05": Promise(
        "However many calls come at once, one person's token is exchanged once.",
        "1,000 cold calls at once: exactly 1 exchange; a leader who leaves fails nobody",
        "G10",
    ),
    "P-06": Promise(
        "MSAL remembers nothing between two exchanges, and no refresh token is asked for.",
        "0 entries in its caches after any number of exchanges",
        "G21",
    ),
    "P-07": Promise(
        "Every refusal at the door tells the client what to do next.",
        "every 401 and 403: resource_metadata, scope, reason; ambiguous credentials: 400",
        "G32, G33",
    ),
    "P-08": Promise(
        "A wrong setting stops the start with one line that names it and shows no secret.",
        "exit code 2, one line",
        "G36",
    ),
    "P-09": Promise(
        "Listing tools needs a valid token and no exchange.",
        "0 exchanges for tools/list",
        "G11",
    ),
    "P-10": Promise(
        "A refusal inside a tool reaches the model in words; -32042 is never sent.",
        "0 protocol errors for consent and step-up, on both wires",
        "G15",
    ),
    "P-11": Promise(
        "The whole chain runs on one machine, offline, and shows what each hop saw.",
        "make demo: exit code 0 in under 20 s on two cores, no token printed",
        "",
    ),
    "P-12": Promise(
        "The access token of a caller leaves the server only as the assertion of an exchange.",
        "0 requests to Graph with it; 0 answers, logs or events that contain it",
        "G17, G25",
    ),
    "P-13": Promise(
        "A request for another host, or from a web page that is not admitted, is not looked at.",
        "0 of 206 hostile Host and Origin values pass",
        "G28",
    ),
    "P-14": Promise(
        "A session belongs to the person and the client that began it; by default there is none.",
        "0 of 10,000 requests with somebody else's session id accepted",
        "G31",
    ),
    "P-15": Promise(
        "A server behind the door speaks the protocol as the protocol's own suite has it.",
        "0 unexpected failures on both wires, stateless and stateful (`make conformance`)",
        "G44",
    ),
}
