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
        "0 of 20,000 interleaved calls of 1,000 people (1,000,000 at night), whatever the token "
        "endpoint answered to somebody else",
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
        "A refusal inside a tool goes to whoever can act on it: a step-up to the client as an HTTP "
        "challenge, a missing consent to the person as a link, all else to the model in words.",
        "both wires, with and without sessions, SSE and JSON: 401 with the claims until the answer "
        "begins, words after; -32042 never on 2026-07-28, and without a session only where the "
        "operator asks for it",
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
    "P-16": Promise(
        "What leaves the process is sealed: Redis shows nobody anything, and can be made to say "
        "nothing false.",
        "dump, append-only file and monitor: 0 tokens, people, tenants or scopes; 0 entries opened "
        "with ring and dump alone; 0 of 100,000 tampered entries opened",
        "G18, G19",
    ),
    "P-17": Promise(
        "A shared cache that is slow, stalled, full, lying or gone fails nobody.",
        "0 failed calls; at most 50 ms more each, and one more exchange per person and replica",
        "G20, G23",
    ),
    "P-18": Promise(
        "While the token endpoint is down, whoever holds a token notices nothing.",
        "0 warm calls failed; once the circuit is open cold ones hear 503 in under 50 ms; one "
        "probe in 5 s; closed within 10 s of recovery",
        "G12",
    ),
    "P-19": Promise(
        "Patience is asked of whom it concerns, to the second, and retries never become a storm.",
        "0 early calls, 0 other people held back; at most 1.2 requests per exchange at 30 % faults",
        "G13, G14",
    ),
    "P-20": Promise(
        "A claims challenge of the resource is answered by exactly one exchange, and what the "
        "authority then asks for reaches the client whole; after consent or step-up the very next "
        "call succeeds.",
        "1 exchange for any number of holders of the refused token; 0 stale refusals",
        "G15",
    ),
    "P-21": Promise(
        "Every AADSTS number we list has one meaning: an error, words, and the operator's cure.",
        "all of docs/reference/aadsts.md; an unknown one changes nothing",
        "G26",
    ),
    "P-22": Promise(
        "Whatever proves our application works end to end, and is refused for the right reason.",
        "secret, certificate, vault, managed identity, workload identity, function, agent "
        "identity: each over real sockets with real MSAL, and with its wrong subjects, audiences "
        "and issuers",
        "",
    ),
    "P-23": Promise(
        "Keys of the ring can be changed while people work, and replicas understand each other.",
        "0 failed calls while a key is added, promoted and retired",
        "G22",
    ),
    "P-24": Promise(
        "A crowd costs memory up to a bound, and no time.",
        "100,000 people (at night): RSS at most 250 MiB; a lookup at most 1.2 times one among 100",
        "G24",
    ),
    "P-25": Promise(
        "No secret, token or address shows in a log, an exception, a repr or a traceback.",
        "0 canaries in the whole suite, at DEBUG for every library",
        "G25",
    ),
    "P-26": Promise(
        "Where Graph fails every fifth time, what reads gets its answer, and nothing is sent or "
        "made twice.",
        "20 % of 429, 503, 504, cut and lost answers: 0 reads failed, 0 mails or events twice",
        "",
    ),
    "P-27": Promise(
        "No argument of a tool leads off Graph's host, out of the tool's own paths, or to a crash.",
        "5,100 hostile calls of 34 tools a run, 102,000 at night: 0",
        "G34",
    ),
    "P-28": Promise(
        "A document that a stranger wrote harms nobody: clear words, and others are served.",
        "bombs, depths and broken files: an error each, the server's memory as before",
        "",
    ),
    "P-29": Promise(
        "The list of tools stays small, and every result within its budget.",
        "18 tools 25 KB, 34 tools 32 KB; ten mails 4 KB; every result 16 KB",
        "",
    ),
    "P-30": Promise(
        "Where each tool has a token of its own, it asks for no more than that tool needs.",
        "0 of 34 tools ask for a permission beyond their own",
        "G17",
    ),
}
