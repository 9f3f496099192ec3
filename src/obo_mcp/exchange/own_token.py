"""A token for our application itself (Entra, "Client credentials flow"): no person is in it.

So whatever becomes of it is no person's failure, even if it is met while exchanging for one.
"""

from typing import Any

from obo_mcp.errors import TokenEndpointUnavailable, Unavailable
from obo_mcp.exchange.applications import Applications
from obo_mcp.exchange.cause import TransportFailure, cause_of
from obo_mcp.exchange.credential_fault import ours, report, unavailable
from obo_mcp.exchange.foreign import Foreign
from obo_mcp.exchange.refusal import refusal

_WAIT = "Nothing to mend: the authority did not answer our application."


def own_token(
    applications: Applications, tenant_id: str, resource: str, *, setting: str, **options: Any
) -> dict[str, Any]:
    """MSAL's answer with an access token for `resource`; blocks if none is kept.

    `setting` is the one that wants it, for the operator; `options` go to MSAL.

    Raises:
        ClientMisconfigured: the authority refuses our application, for whatever reason.
        TokenEndpointUnavailable: it gave no usable answer.
    """
    result: Any = None
    failure: Unavailable | None = None
    with Foreign() as msal:
        try:
            result = applications.of(tenant_id).acquire_token_for_client(
                [f"{resource}/.default"],
                # MSAL falls back to a token that is still good when these meet its early renewal.
                http_exceptions=(Unavailable,),
                **options,
            )
        except Unavailable as error:
            failure = unavailable(setting, error, _WAIT)
    if msal.raised:
        failure = unavailable(setting, _not_understood(msal.raised), _WAIT)
    if failure is not None:
        raise failure
    if not isinstance(result, dict) or not isinstance(result.get("access_token"), str):
        raise _refused(result, setting)
    return result


def _refused(result: Any, setting: str) -> Exception:
    failure = ours(refusal(result if isinstance(result, dict) else {}))
    cause = cause_of(failure)
    report("refused", setting, str(cause), cause.cure)
    return failure


def _not_understood(kind: str) -> TokenEndpointUnavailable:
    failure = TokenEndpointUnavailable()
    failure.__cause__ = TransportFailure(f"the authority's answer was not understood ({kind})")
    return failure
