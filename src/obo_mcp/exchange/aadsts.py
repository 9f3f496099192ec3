"""What each AADSTS number means for us: which failure, and what its operator can do.

Entra, "Microsoft Entra authentication and authorization error codes". The numbers are no contract,
so they only refine what `error`, `suberror` and `claims` say; an unknown one changes nothing.
docs/reference/aadsts.md is made of this table.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from types import MappingProxyType

from obo_mcp.errors import (
    AssertionRejected,
    ClientMisconfigured,
    ConsentRequired,
    InteractionRequired,
    OboError,
    PersonNotAdmitted,
    PersonRequired,
    TokenEndpointThrottled,
    TokenEndpointUnavailable,
)

TENANT_THROTTLED = 90055


@dataclass(frozen=True, slots=True)
class Meaning:
    """`leaf` is what callers are told, `cure` is for the operator; `public` replaces its words.

    `concerns_all` marks what is said of our application, whoever the person is.
    """

    leaf: type[OboError]
    cure: str
    public: str | None = None
    concerns_all: bool = False


def _ours(cure: str) -> Meaning:
    """A fault of our own application or credential: every exchange meets it."""
    return Meaning(ClientMisconfigured, cure, concerns_all=True)


_AGAIN = "The person signs in again; nothing to mend here."
_REVOKED = "The session was revoked or its password changed: the person signs in again."
_TOO_OLD = "The sign-in is older than the organisation's policy allows: the person signs in again."
_NO_PERSON = (
    "The assertion belongs to an application. Use a connection that passes the person's identity "
    "(Foundry: authType OAuth2)."
)
_UNKNOWN_PERSON = (
    "The person is not in this tenant: invite them as a guest, or have them sign in at their own."
)
_CONSENT = (
    "Grant the server's application its delegated permissions: admin consent in the portal, or the "
    "links that the refusal shows."
)
_POLICY = "A Conditional Access policy decides; see the sign-in log under the correlation id."
_PASSING = "Nothing to mend: a passing failure of the authority."
_RESOURCE = (
    "The resource is unknown in the person's tenant: check the scope's spelling, and have an "
    "administrator add the resource's enterprise application."
)
_SCOPE = "Check the scope that the tool asks for: one resource, written <resource>/<permission>."
_REGISTRATION = (
    "Check OBO_MCP_CLIENT_ID and OBO_MCP_TENANT_ID, and that the application has an enterprise "
    "application in the person's tenant that is not disabled."
)
_WRONG_VALUE = (
    "OBO_MCP_CLIENT_SECRET must be the value of a secret of this registration, not its id."
)
_CERTIFICATE = (
    "Upload this server's certificate to its registration, or set OBO_MCP_CLIENT_CERTIFICATE_PATH "
    "to the one that is registered."
)
_FEDERATED = (
    "The federated credential of the registration must match the token's {} letter by letter; a "
    "new one takes some minutes to work."
)
_PARENT = " An agent identity must be a child of the blueprint in OBO_MCP_CLIENT_ID."
_CLOUD = "Check OBO_MCP_AUTHORITY_HOST and OBO_MCP_TENANT_ID: the tenant lives in another cloud."
_DEFECT = "The request was not formed as Entra wants it: a defect of this server, please report it."
_AGENT = "Set OBO_MCP_AGENT_IDENTITY_ID: only an agent identity may do this, not its blueprint."
_AGENT_CONSENT = (
    "An agent identity cannot be consented to in a browser: grant its blueprint's principal the "
    "permission and let agent identities inherit it."
)
_BLOCKED = (
    "The organisation's Conditional Access policy blocks this sign-in. The person's administrator "
    "can say why; signing in again helps only once its conditions are met."
)
_DEVICE = (
    "The organisation's sign-in policy wants a managed or compliant device: sign in again from one."
)
_DISABLED = "The person's account is disabled. An administrator of the tenant can say why."

_TABLE: tuple[tuple[tuple[int, ...], Meaning], ...] = (
    # The user assertion
    (
        (50013, 5002730, 50027),
        Meaning(AssertionRejected, "The assertion was no access token for this server."),
    ),
    ((500131,), Meaning(AssertionRejected, "The client must ask for this server's own scope.")),
    ((500133,), Meaning(AssertionRejected, f"{_AGAIN} Check this server's clock if it is new.")),
    ((240002,), Meaning(AssertionRejected, "The client sent an id token: it must send the other.")),
    ((7000114, 90083), Meaning(PersonRequired, _NO_PERSON)),
    ((50020, 50034, 51004, 50014), Meaning(PersonNotAdmitted, _UNKNOWN_PERSON)),
    ((50057,), Meaning(AssertionRejected, "The account is disabled in the directory.", _DISABLED)),
    ((50173, 50132, 50133, 50089), Meaning(AssertionRejected, _REVOKED)),
    ((70043, 700082, 70008, 70000, 700084), Meaning(AssertionRejected, _TOO_OLD)),
    # Consent and permission
    ((65001, 65004, 90094), Meaning(ConsentRequired, _CONSENT)),
    ((65002,), Meaning(ClientMisconfigured, "Two first-party applications: only Microsoft can.")),
    ((650052, 500011), Meaning(ClientMisconfigured, _RESOURCE)),
    (
        (650053, 70011, 28002, 28003, 700022, 700023, 9010010, 90008, 90009),
        Meaning(ClientMisconfigured, _SCOPE),
    ),
    (
        (650056, 650057),
        Meaning(ClientMisconfigured, "Add the permission to the registration's API permissions."),
    ),
    (
        (50105,),
        Meaning(PersonNotAdmitted, "Assign the person, or a group, to the enterprise application."),
    ),
    # Interaction
    ((50076, 50079, 50072, 50074, 50078, 50058, 50126), Meaning(InteractionRequired, _POLICY)),
    ((50097, 53000, 53001, 53002), Meaning(InteractionRequired, _POLICY, _DEVICE)),
    ((53003, 530032, 530034, 530035), Meaning(InteractionRequired, _POLICY, _BLOCKED)),
    ((53004,), Meaning(InteractionRequired, "The person must finish registering for MFA.")),
    # Our own application and credential
    ((700016, 700011, 7000112), _ours(_REGISTRATION)),
    ((7000215, 70002), _ours(_WRONG_VALUE)),
    ((7000222,), _ours("The secret or certificate has expired: renew it.")),
    ((7000218,), _ours("No credential was sent: set one of them.")),
    ((700025,), _ours("Turn off 'Allow public client flows'.")),
    ((700027, 700030, 50012, 5002723, 5002738), _ours(_CERTIFICATE)),
    (
        (700024, 700021),
        _ours("Check this server's clock and its federated token's age."),
    ),
    ((70021,), _ours(_FEDERATED.format("issuer, subject and audience"))),
    ((700211,), _ours(_FEDERATED.format("issuer"))),
    ((700212,), _ours(_FEDERATED.format("audience"))),
    ((700213, 7002131, 7002138), _ours(_FEDERATED.format("subject") + _PARENT)),
    ((50166,), _ours("The federated credential's issuer cannot be reached by Entra.")),
    ((700229,), _ours("Only an application's token may stand for ours.")),
    ((90002, 90038, 900382, 900432), _ours(_CLOUD)),
    ((50194, 9001023, 90027, 90130), _ours(_REGISTRATION)),
    ((9002313, 900144, 90014), Meaning(ClientMisconfigured, _DEFECT)),
    (
        (50196,),
        Meaning(TokenEndpointThrottled, "The same exchange was asked for too often: see events."),
    ),
    # Agent identities
    ((82001, 82002), Meaning(ClientMisconfigured, _AGENT)),
    ((82007, 82014), Meaning(ClientMisconfigured, _AGENT_CONSENT)),
    # Passing
    (
        (50033, 50087, 80005, 90006, 90012, 90024, 90033, 90090),
        Meaning(TokenEndpointUnavailable, _PASSING),
    ),
    ((TENANT_THROTTLED,), Meaning(TokenEndpointThrottled, "The whole tenant is throttled: wait.")),
)

MEANINGS = MappingProxyType({code: meaning for codes, meaning in _TABLE for code in codes})
"""Every number we know (facts as of November 2026)."""


def groups() -> Iterator[tuple[tuple[int, ...], Meaning]]:
    """The table in its own order, for the reference page."""
    return iter(_TABLE)


def known(codes: Iterable[int]) -> Meaning | None:
    """What the first number that we know means; None if we know none of them."""
    return next((MEANINGS[code] for code in codes if code in MEANINGS), None)
