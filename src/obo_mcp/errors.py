"""Every way a request can fail, what the caller is told, and who can mend it.

OboError
├── CredentialsMissing          401                      no bearer token at all
├── CredentialsInvalid          400 invalid_request      two tokens, or not the shape of one
├── TokenRejected               401 invalid_token        the access token is not acceptable
│   ├── TokenMalformed          not a signed JWT of the kind Entra issues
│   ├── SigningKeyUnknown       signed with a key that the authority does not publish
│   ├── SignatureInvalid        not signed by the key it names
│   ├── WrongIssuer             issued by somebody else
│   ├── WrongTenant             issued for another tenant
│   ├── WrongAudience           issued for another application
│   ├── WrongVersion            a v1 access token where only v2 is taken, or the reverse
│   ├── TokenExpired            its time is over
│   ├── TokenNotYetValid        its time has not come
│   ├── IdTokenPresented        an id token, not an access token
│   └── NotDelegated            an application's token: no person in it
├── InsufficientScope           403 insufficient_scope   the person's client lacks our scope
│   ├── AppRoleMissing          an application without the app role that admits one
│   └── PersonRequired          an application asks for what only a person can have
├── ClientRefused               403 unauthorized_client  a good token, through the wrong client
│   ├── ClientNotAllowed        the calling client is not on the list
│   └── AgentNotAllowed         an agent acts, and agents are not admitted
├── RequestRefused              invalid_request          the request itself, whoever sent it
│   ├── HostNotAllowed          421                      addressed to a host that is not ours
│   ├── OriginNotAllowed        403                      sent by a web page of another site
│   ├── MethodNotAllowed        405 method_not_allowed   a stateless endpoint takes POST only
│   ├── HeadersTooLarge         431                      more header fields than we read
│   ├── BodyTooLarge            413                      a longer body than we read
│   └── BodyTooSlow             408                      the body did not arrive in time
├── ExchangeRefused             the token endpoint said no; asking again will not help
│   ├── AssertionRejected       401 invalid_token        the authority does not take this token
│   ├── InteractionRequired     401 insufficient_claims  Conditional Access wants the person
│   ├── ConsentRequired         403 consent_required     nobody has agreed to this access yet
│   ├── PersonNotAdmitted       403 access_denied        the directory does not let this person in
│   ├── WrongPerson             500 server_error         the token that came is somebody else's
│   └── ClientMisconfigured     500 server_error         our own registration or credential
└── Unavailable                 503 temporarily_unavailable, with Retry-After
    ├── KeysUnavailable         the signing keys cannot be fetched
    ├── TokenEndpointUnavailable  the token endpoint is down, slow or speaks nonsense
    └── TokenEndpointThrottled  the token endpoint asks for patience

ConfigurationError              a setting is wrong; raised at start-up only

`code` and `status` are decided here and only rendered elsewhere. `str(error)` is the public
text: no token, no address, nothing of the authority's own text. The cause, where there is one,
is in `__cause__`.
"""

from typing import ClassVar


class ConfigurationError(ValueError):
    """A setting is missing or unsafe. The text is one line that names the setting."""


class OboError(Exception):
    """Anything that stops a request from acting as the person who asked.

    `retry_after_seconds` says when asking again makes sense; `claims` is the JSON text of a
    claims challenge (OpenID Connect Core 5.5, Entra "claims challenge"), empty if there is none.
    """

    code: ClassVar[str] = "server_error"
    status: ClassVar[int] = 500
    public: ClassVar[str] = "The request could not be served."

    def __init__(
        self,
        public: str | None = None,
        *,
        retry_after_seconds: int | None = None,
        claims: str = "",
    ) -> None:
        super().__init__(public or self.public)
        self.retry_after_seconds = retry_after_seconds
        self.claims = claims


class CredentialsMissing(OboError):
    """No bearer token came with the request (RFC 6750 section 3: no error code then)."""

    code = ""
    status = 401
    public = "Sign in first: send an access token in the Authorization header."


class CredentialsInvalid(OboError):
    """Several tokens, or something that is not a bearer token (RFC 6750 section 3.1)."""

    code = "invalid_request"
    status = 400
    public = "Send exactly one Authorization header: 'Bearer', one space, one access token."


class TokenRejected(OboError):
    """The access token is not acceptable (RFC 6750 section 3.1, `invalid_token`)."""

    code = "invalid_token"
    status = 401
    public = "The access token is not acceptable here."


class TokenMalformed(TokenRejected):
    """Not a signed JWT of the kind Entra issues (RFC 7515, RFC 7519, RFC 8725)."""

    public = "The access token is not a well-formed RS256-signed JWT."


class SigningKeyUnknown(TokenRejected):
    """Signed with a key that the authority does not publish."""

    public = "The access token is signed with a key that our authority does not publish."


class SignatureInvalid(TokenRejected):
    """The signature does not belong to the key that the token names (RFC 7515 section 5.2)."""

    public = "The signature of the access token is not valid."


class WrongIssuer(TokenRejected):
    """Issued by somebody else than our authority (RFC 8725 section 3.8)."""

    public = "The access token was issued by another authority."


class WrongTenant(TokenRejected):
    """Issued for another tenant (Entra, "Claims validation": `tid`)."""

    public = "The access token belongs to another tenant."


class WrongAudience(TokenRejected):
    """Issued for another application (RFC 8725 section 3.9)."""

    public = (
        "The access token is meant for another application: its audience is not this server. "
        "Ask for a token with this server's own scope."
    )


class WrongVersion(TokenRejected):
    """Not of a version that this server takes (Entra, "requestedAccessTokenVersion")."""

    public = "This is a v2 access token, and this server takes v1 only."


class TokenExpired(TokenRejected):
    """`exp` has passed (RFC 7519 section 4.1.4)."""

    public = "The access token has expired: get a new one."


class TokenNotYetValid(TokenRejected):
    """`nbf` lies ahead (RFC 7519 section 4.1.5)."""

    public = "The access token is not valid yet: check the clocks."


class IdTokenPresented(TokenRejected):
    """An id token tells an app who signed in; it opens no API (Entra, "ID tokens")."""

    public = "This is an id token. Send the access token for this server's scope instead."


class NotDelegated(TokenRejected):
    """An application's own token: there is no person in it to act for."""

    public = (
        "This token belongs to an application, not to a person, so nothing can be done on "
        "anybody's behalf. In Foundry, connections of the types 'agent identity' and 'project "
        "managed identity' send such tokens: use a connection with OAuth identity passthrough "
        "(authType OAuth2) and this server's scope."
    )


class InsufficientScope(OboError):
    """The token lacks the scope that this server asks for (RFC 6750 section 3.1)."""

    code = "insufficient_scope"
    status = 403
    public = "The access token lacks the scope that this server requires."


class AppRoleMissing(InsufficientScope):
    """An application's token without the app role that would admit it (Entra, "App roles")."""

    public = (
        "This token belongs to an application, and it lacks the app role that this server asks of "
        "applications. An administrator can assign the role to it; for a person, sign in as one."
    )


class PersonRequired(InsufficientScope):
    """An admitted application asked for something that is done on a person's behalf."""

    public = (
        "The caller is an application, and this needs a person to act for. Call it with an access "
        "token that a person's sign-in gave."
    )


class ClientRefused(OboError):
    """A good token that came through a client which may not call (RFC 6749 section 5.2)."""

    code = "unauthorized_client"
    status = 403
    public = "The calling client may not use this server."


class ClientNotAllowed(ClientRefused):
    """`azp` (v1: `appid`) is not on the list (Entra, "Claims validation": validate the actor)."""

    public = (
        "The client application that got this access token is not on this server's list. "
        "Its operator can add the client's id to OBO_MCP_ALLOWED_CLIENTS."
    )


class AgentNotAllowed(ClientRefused):
    """An agent identity or agent user acts (Entra, "Token claims for agents")."""

    public = (
        "This access token was got by an agent, and this server does not admit agents as clients. "
        "Its operator can change that with OBO_MCP_AGENT_CALLERS."
    )


class RequestRefused(OboError):
    """The request itself cannot be served, whoever sent it (RFC 9110 section 15.5)."""

    code = "invalid_request"
    status = 400
    public = "The request is not one that this server takes."


class HostNotAllowed(RequestRefused):
    """Addressed to another host: DNS rebinding, or a proxy unknown to us (RFC 9110 15.5.20)."""

    status = 421
    public = (
        "This request is addressed to a host that this server does not answer for. If a proxy "
        "changes the Host header, the operator adds that host to OBO_MCP_ALLOWED_HOSTS."
    )


class OriginNotAllowed(RequestRefused):
    """Sent by a web page of another site (MCP, "Transports": validate the Origin header)."""

    status = 403
    public = (
        "Web pages of this origin may not call this server. The operator can admit the origin "
        "with OBO_MCP_ALLOWED_ORIGINS."
    )


class MethodNotAllowed(RequestRefused):
    """A stateless MCP endpoint has nothing to offer to GET or DELETE (RFC 9110 15.5.6)."""

    code = "method_not_allowed"
    status = 405
    public = "This endpoint takes POST."


class HeadersTooLarge(RequestRefused):
    """More header fields than we read (RFC 6585 section 5)."""

    status = 431
    public = "The header fields of this request are too large."


class BodyTooLarge(RequestRefused):
    """A longer body than we read (RFC 9110 section 15.5.14)."""

    status = 413
    public = "The body of this request is longer than this server reads."


class BodyTooSlow(RequestRefused):
    """The body did not arrive in time (RFC 9110 section 15.5.9)."""

    status = 408
    public = "The body of this request did not arrive in time."


class ExchangeRefused(OboError):
    """The token endpoint said no, and asking again with the same token will not help."""


class AssertionRejected(ExchangeRefused):
    """The authority does not take this token as a user assertion (RFC 7521 section 4.1.1)."""

    code = "invalid_token"
    status = 401
    public = "The sign-in is no longer accepted by the authority: sign in again."


class InteractionRequired(ExchangeRefused):
    """Conditional Access wants the person to do something (Entra, "Claims challenge")."""

    code = "insufficient_claims"
    status = 401
    public = (
        "The organisation's sign-in policy wants one more step from the person, such as "
        "multi-factor authentication: sign in again and complete it."
    )


class ConsentRequired(ExchangeRefused):
    """Neither the person nor an administrator has agreed to this access (AADSTS65001).

    `scopes` are those that were asked for; `consent_url` and `admin_consent_url` are the pages
    where the person, or an administrator for everybody, can agree; empty where unknown.
    """

    code = "consent_required"
    status = 403
    public = (
        "Nobody has agreed yet that this server may use the requested data on this person's "
        "behalf. The person, or an administrator of the tenant, must grant consent to this "
        "server's application; then the same request will succeed."
    )

    def __init__(
        self,
        public: str | None = None,
        *,
        retry_after_seconds: int | None = None,
        claims: str = "",
        scopes: tuple[str, ...] = (),
        consent_url: str = "",
        admin_consent_url: str = "",
    ) -> None:
        super().__init__(public, retry_after_seconds=retry_after_seconds, claims=claims)
        self.scopes = scopes
        self.consent_url = consent_url
        self.admin_consent_url = admin_consent_url


class PersonNotAdmitted(ExchangeRefused):
    """The directory does not know the person, or has not assigned them (AADSTS50020, 50105)."""

    code = "access_denied"
    status = 403
    public = (
        "The organisation's directory does not admit this person to this server's application. "
        "An administrator of the tenant can change that; signing in again will not."
    )


class WrongPerson(ExchangeRefused):
    """The downstream token is not the caller's. It was thrown away; nothing was done with it."""

    public = (
        "The authority's answer was not meant for this person, so it was not used. Its operator "
        "has to look into it."
    )


class ClientMisconfigured(ExchangeRefused):
    """Our own registration or credential is at fault; the operator's log says how to mend it."""

    public = (
        "This server is not set up correctly for this request. Its operator has to mend it; "
        "trying again will not help."
    )


class Unavailable(OboError):
    """Nobody's fault and soon over: try again after `retry_after_seconds` (RFC 9110 15.6.4)."""

    code = "temporarily_unavailable"
    status = 503
    public = "The sign-in service cannot be used right now: try again shortly."

    def __init__(
        self, public: str | None = None, *, retry_after_seconds: int | None = 5, claims: str = ""
    ) -> None:
        super().__init__(public, retry_after_seconds=retry_after_seconds, claims=claims)


class KeysUnavailable(Unavailable):
    """The authority's signing keys cannot be fetched."""

    public = "The authority's signing keys cannot be fetched right now: try again shortly."


class TokenEndpointUnavailable(Unavailable):
    """The token endpoint cannot be reached, is too slow, or answers nonsense."""

    public = "The authority's token endpoint does not answer right now: try again shortly."


class TokenEndpointThrottled(Unavailable):
    """The token endpoint answered 429."""

    public = "The authority's token endpoint is limiting requests: try again a little later."
