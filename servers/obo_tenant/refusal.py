"""What Entra says when it says no: the AADSTS number, the OAuth error and the true HTTP status.

Entra, "Microsoft Entra authentication and authorization error codes". The numbers and the texts are
no contract there; clients branch on `error` and `suberror`.
"""

from string import Template
from types import MappingProxyType

from obo_tenant.credential_refusals import CREDENTIAL_ENTRIES
from obo_tenant.refusal_entry import Entry as _Entry


class Refusal(Exception):
    """The tenant refuses a request. Its text is public: no token, no secret, no sign-in name."""

    def __init__(self, code: int, **words: str) -> None:
        entry = _ENTRIES[code]
        self.code = code
        self.error = entry.error
        self.status = entry.status
        self.suberror = entry.suberror
        self.claims: str | None = None
        self.text = Template(entry.text).safe_substitute(words)
        super().__init__(f"AADSTS{code}: {self.text}")


_REQUEST = "invalid_request"
_GRANT = "invalid_grant"
_SCOPE = "invalid_scope"
_INTERACTION = "interaction_required"

_ENTRIES: MappingProxyType[int, _Entry] = MappingProxyType(
    {
        **CREDENTIAL_ENTRIES,
        # The request itself
        900144: _Entry(
            _REQUEST, "The request body must contain the following parameter: '$parameter'."
        ),
        9002313: _Entry(_REQUEST, "Invalid request. Request is malformed or invalid."),
        70003: _Entry(
            "unsupported_grant_type", "The app requested an unsupported grant type '$grant'."
        ),
        90002: _Entry(
            _REQUEST,
            "Tenant '$tenant' not found. Check to make sure you have the correct tenant ID and are"
            " signing into the correct cloud.",
        ),
        50194: _Entry(
            _REQUEST,
            "Application '$app' is not configured as a multi-tenant application. Usage of the"
            " /common endpoint is not supported for such apps. Use a tenant-specific endpoint.",
        ),
        50059: _Entry(
            _REQUEST,
            "No tenant-identifying information found in either the request or implied by any"
            " provided credentials.",
        ),
        50011: _Entry(
            _REQUEST,
            "The redirect URI specified in the request does not match the redirect URIs configured"
            " for the application '$app'.",
        ),
        700054: _Entry(
            "unsupported_response_type",
            "response_type '$kind' is not enabled for the application.",
        ),
        90023: _Entry(_REQUEST, "The value of the parameter '$parameter' is not supported."),
        # The client
        700016: _Entry(
            "unauthorized_client",
            "Application with identifier '$app' was not found in the directory. This can happen if"
            " the application has not been installed by the administrator of the tenant.",
        ),
        82014: _Entry(
            "unauthorized_client", "An agent identity cannot be used in an interactive sign-in."
        ),
        # The user assertion
        50013: _Entry(_GRANT, "Assertion failed signature validation. [Reason - $reason]"),
        50027: _Entry(_GRANT, "JWT token is invalid or malformed."),
        500133: _Entry(
            _GRANT,
            "Assertion is not within its valid time range. Ensure that the access token is not"
            " expired before using it for user assertion, or request a new token.",
        ),
        240002: _Entry(_GRANT, "Input id_token cannot be used as 'jwt-bearer' grant."),
        500131: _Entry(
            _GRANT,
            "Assertion audience does not match the Client app presenting the assertion. The"
            " audience in the assertion was '$audience' and the expected audience is '$expected'.",
        ),
        7000114: _Entry(
            "unauthorized_client",
            "Application '$app' is not allowed to make application on-behalf-of calls.",
        ),
        # The person
        50020: _Entry(
            _GRANT,
            "User account from identity provider '$issuer' does not exist in tenant '$tenant' and"
            " cannot access the application in that tenant. The account needs to be added as an"
            " external user in the tenant first.",
        ),
        50034: _Entry(_GRANT, "The user account does not exist in the directory."),
        50057: _Entry(_GRANT, "The user account is disabled."),
        50126: _Entry(_GRANT, "Error validating credentials due to invalid username or password."),
        50173: _Entry(
            _GRANT,
            "The provided grant has expired due to it being revoked, a fresh auth token is needed."
            " The user might have changed or reset their password.",
            suberror="bad_token",
        ),
        50058: _Entry(
            "login_required",
            "A silent sign-in request was sent but no user is signed in.",
        ),
        # Resource, scope, consent
        500011: _Entry(
            "invalid_resource",
            "The resource principal named $resource was not found in the tenant. This can happen if"
            " the application has not been installed by the administrator of the tenant.",
        ),
        650053: _Entry(
            _SCOPE,
            "The application '$app' asked for scope '$scope' that doesn't exist on the resource"
            " '$resource'. Contact the app vendor.",
        ),
        70011: _Entry(
            _SCOPE,
            "The provided request must include a 'scope' input parameter. The provided value for"
            " the input parameter 'scope' is not valid. $reason",
        ),
        28002: _Entry(
            _SCOPE,
            "Provided value for the input parameter scope is not valid when requesting an access"
            " token: it names no permission of a resource.",
        ),
        700022: _Entry(
            _SCOPE,
            "The provided value for the input parameter 'scope' is not valid because it contains"
            " more than one resource.",
        ),
        1002012: _Entry(
            _SCOPE,
            "The provided value for scope is not valid. Client credential flows must have a scope"
            " value with /.default suffixed to the resource identifier (application ID URI).",
        ),
        9010010: _Entry(
            "invalid_target",
            "The resource parameter provided in the request doesn't match with the requested"
            " scopes.",
        ),
        65001: _Entry(
            _GRANT,
            "The user or administrator has not consented to use the application with ID '$app'"
            " named '$name'. Send an interactive authorization request for this user and resource.",
            suberror="consent_required",
        ),
        65004: _Entry("access_denied", "User declined to consent to access the app."),
        90094: _Entry(
            "access_denied",
            "$app needs permission to access resources in your organization that only an admin can"
            " grant. Request an admin to grant permission to this app before you can use it.",
        ),
        # Conditional Access
        50076: _Entry(
            _INTERACTION,
            "Due to a configuration change made by your administrator, or because you moved to a"
            " new location, you must use multi-factor authentication to access '$resource'.",
            suberror="basic_action",
        ),
        50079: _Entry(
            _INTERACTION,
            "Due to a configuration change made by your administrator, or because you moved to a"
            " new location, you must enroll in multi-factor authentication to access"
            " '$resource'.",
            suberror="basic_action",
        ),
        53000: _Entry(
            _INTERACTION,
            "Your device is required to be managed to access this resource.",
            suberror="message_only",
        ),
        53003: _Entry(
            _INTERACTION,
            "Access has been blocked by Conditional Access policies. The access policy does not"
            " allow token issuance.",
            suberror="message_only",
        ),
        # Codes and refresh tokens
        70000: _Entry(_GRANT, "Provided grant is invalid or malformed.", suberror="bad_token"),
        70008: _Entry(
            _GRANT,
            "The provided authorization code or refresh token has expired due to inactivity. Send"
            " a new interactive authorization request for this user and resource.",
            suberror="token_expired",
        ),
        54005: _Entry(
            _GRANT,
            "OAuth2 Authorization code was already redeemed, please retry with a new valid code or"
            " use an existing refresh token.",
        ),
        500112: _Entry(
            _GRANT,
            "The reply address does not match the reply address provided when requesting the"
            " Authorization code.",
        ),
        501481: _Entry(
            _GRANT,
            "The Code_Verifier does not match the code_challenge supplied in the authorization"
            " request.",
        ),
        700082: _Entry(
            _GRANT,
            "The refresh token has expired due to inactivity.",
            suberror="token_expired",
        ),
        # Device code
        70016: _Entry(
            "authorization_pending",
            "OAuth 2.0 device flow error. Authorization is pending. Continue polling.",
        ),
        70018: _Entry("bad_verification_code", "Invalid verification code."),
        70019: _Entry("expired_token", "Verification code expired."),
        700161: _Entry("slow_down", "Polling too fast. Wait five seconds longer between requests."),
        700162: _Entry("authorization_declined", "The user denied the device's request."),
        # The service
        50196: _Entry(_GRANT, "The server terminated an operation: request loop detected."),
        90033: _Entry(
            "temporarily_unavailable", "A transient error has occurred. Please try again.", 503
        ),
        90055: _Entry(
            "temporarily_unavailable", "The tenant has been throttled. Please try again.", 429
        ),
    }
)
