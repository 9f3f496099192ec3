"""What Entra says of a caller's own credentials: secrets, certificates, federated tokens, agents.

Entra, "Microsoft Entra authentication and authorization error codes", "Troubleshoot service
principal authentication", and answers of the service that others have published.
"""

from types import MappingProxyType

from obo_tenant.refusal_entry import Entry

_CLIENT = "invalid_client"
_REQUEST = "invalid_request"
_UNAUTHORIZED = "unauthorized_client"
_FEDERATION = (
    "Check your federated identity credential Subject, Audience and Issuer against the presented"
    " assertion."
)

CREDENTIAL_ENTRIES: MappingProxyType[int, Entry] = MappingProxyType(
    {
        # Secrets
        7000215: Entry(
            _CLIENT,
            "Invalid client secret provided. Ensure the secret being sent in the request is the"
            " client secret value, not the client secret ID, for a secret added to app '$app'.",
            401,
        ),
        7000222: Entry(
            _CLIENT,
            "The provided client secret keys for app '$app' are expired. Visit the Azure portal to"
            " create new keys for your app, or consider using certificate credentials for added"
            " security.",
            401,
        ),
        7000218: Entry(
            _CLIENT,
            "The request body must contain the following parameter: 'client_assertion' or"
            " 'client_secret'.",
            401,
        ),
        700025: Entry(
            _CLIENT,
            "Client is public so neither 'client_assertion' nor 'client_secret' should be"
            " presented.",
            401,
        ),
        # Any client assertion
        90014: Entry(_REQUEST, "The required field '$field' is missing from the credential."),
        5002738: Entry(
            _CLIENT,
            "Invalid JWT token. '$algorithm' is not a supported signature algorithm. Supported"
            " signing algorithms are: 'RS256,PS256'.",
            401,
        ),
        700024: Entry(
            _CLIENT,
            "Client assertion is not within its valid time range. Current time: $now, assertion"
            " valid from $begins, expiry time of assertion $ends.",
            401,
        ),
        # A certificate
        5002723: Entry(
            _CLIENT,
            "Invalid JWT token. No certificate SHA-1 thumbprint, certificate SHA-256 thumbprint,"
            " nor keyId specified in token header.",
            401,
        ),
        700021: Entry(
            _CLIENT,
            "Client assertion application identifier doesn't match 'client_id' parameter.",
            401,
        ),
        700023: Entry(_CLIENT, "Client assertion audience claim does not match Realm issuer.", 401),
        700027: Entry(
            _CLIENT,
            "$problem. [Reason - $reason]",
            401,
        ),
        # A federated identity credential
        50166: Entry(_REQUEST, "Request to External OIDC endpoint failed."),
        70021: Entry(
            _CLIENT,
            "No matching federated identity record found for presented assertion. Assertion Issuer:"
            " '$issuer'. Assertion Subject: '$subject'. Assertion Audience: '$audience'.",
            401,
        ),
        700211: Entry(
            _CLIENT,
            "No matching federated identity record found for presented assertion issuer '$issuer'. "
            + _FEDERATION,
            401,
        ),
        700212: Entry(
            _CLIENT,
            "No matching federated identity record found for presented assertion audience"
            " '$audience'. " + _FEDERATION,
            401,
        ),
        700213: Entry(
            _CLIENT,
            "No matching federated identity record found for presented assertion subject"
            " '$subject'. " + _FEDERATION,
            401,
        ),
        7002138: Entry(
            _CLIENT,
            "No matching federated identity record found for presented assertion subject"
            " '$subject'. The subject matches with case-insensitive comparison, but not with"
            " case-sensitive comparison. " + _FEDERATION,
            401,
        ),
        700229: Entry(
            _CLIENT,
            "Forbidden token type. Only app-only tokens may be used as Federated Identity"
            " Credentials for Microsoft Entra issuer.",
            401,
        ),
        # Agents
        82001: Entry(
            _UNAUTHORIZED,
            "Agentic application '$app' is not permitted to request app-only tokens for resource"
            " '$resource'.",
        ),
        82002: Entry(
            _UNAUTHORIZED,
            "Agentic application '$app' is not permitted to make on-behalf-of calls. Use one of its"
            " agent identities.",
        ),
    }
)
