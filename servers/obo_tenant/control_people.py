"""The control switches for people: their standing, what is demanded of them, what they allow."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from obo_tenant.apps import Application
from obo_tenant.cae import EXCHANGES, REASONS, Revocation, moment
from obo_tenant.conditional_access import DEMANDS, ERRORS, Policy
from obo_tenant.directory import Account
from obo_tenant.fields import BadSwitch, Fields, app_named, person_named, tenant_named
from obo_tenant.tenant import Tenant
from obo_tenant.user_consent import SETTINGS


class PeopleSwitches:
    """Every switch that is about people. A bad body changes nothing."""

    def __init__(self, tenant: Tenant) -> None:
        self._tenant = tenant

    async def change_person(self, request: Request) -> Response:
        """`PATCH /_tenant/people/{key}`."""
        fields = await Fields.of(request)
        _, account = person_named(self._tenant, request.path_params["key"])
        enabled = fields.flag("enabled", default=None)
        revoked = fields.flag("sessions_revoked", default=None)
        administrator = fields.flag("administrator", default=None)
        fields.end()
        if enabled is not None:
            account.enabled = enabled
        if administrator is not None:
            account.administrator = administrator
        if revoked is True:
            account.revoke_sessions()
        elif revoked is False:
            account.revoked.clear()
            account.revocation = None
        return Response(status_code=204)

    async def set_policy(self, request: Request) -> Response:
        """`PUT /_tenant/people/{key}/policy`: Conditional Access for them at one resource."""
        fields = await Fields.of(request)
        tenant, account = person_named(self._tenant, request.path_params["key"])
        policy = Policy(
            demand=_one_of(fields, "policy", DEMANDS),
            error=_one_of(fields, "error", ERRORS, ERRORS[0]),
            silent=bool(fields.flag("silent", default=True)),
        )
        resource = _resource(fields, tenant)
        fields.end()
        account.policies[resource.client_id] = policy
        return JSONResponse({"claims": policy.claims})

    async def end_policy(self, request: Request) -> Response:
        """`DELETE /_tenant/people/{key}/policy`."""
        fields = await Fields.of(request)
        tenant, account = person_named(self._tenant, request.path_params["key"])
        resource = _resource(fields, tenant)
        fields.end()
        account.policies.pop(resource.client_id, None)
        return Response(status_code=204)

    async def end_policies(self, _request: Request) -> Response:
        """`DELETE /_tenant/policies`: no policy, no revocation, and consent as at the start."""
        for tenant in self._tenant.cloud.tenants:
            tenant.directory.user_consent = SETTINGS[0]
            for account in tenant.directory.accounts:
                account.policies.clear()
                account.revocation = None
        return Response(status_code=204)

    async def revoke(self, request: Request) -> Response:
        """`POST /_tenant/people/{key}/revoke`: take their tokens for Graph back (CAE)."""
        fields = await Fields.of(request)
        _, account = person_named(self._tenant, request.path_params["key"])
        exchange = _one_of(fields, "exchange", EXCHANGES, EXCHANGES[0])
        usual = REASONS[0] if exchange == "revoked" else REASONS[1]
        reason = _one_of(fields, "reason", REASONS, usual)
        fields.end()
        return JSONResponse({"claims": self._revoked(account, reason, exchange).claims})

    async def set_user_consent(self, request: Request) -> Response:
        """`PUT /_tenant/user-consent`: what people may consent to without an administrator."""
        fields = await Fields.of(request)
        setting = _one_of(fields, "setting", SETTINGS)
        tenant = tenant_named(self._tenant, fields.text("tenant")) or self._tenant
        fields.end()
        tenant.directory.user_consent = setting
        return Response(status_code=204)

    def _revoked(self, account: Account, reason: str, exchange: str) -> Revocation:
        at = moment(self._tenant.clock())
        account.revocation = Revocation(at=at, reason=reason, exchange=exchange)
        if exchange == "revoked":
            account.revoke_sessions()
        return account.revocation


def _one_of(fields: Fields, name: str, values: tuple[str, ...], default: str | None = None) -> str:
    value = fields.text(name, default) if default else fields.needed(name)
    if value not in values:
        raise BadSwitch(f"{name} must be one of: {', '.join(values)}")
    return str(value)


def _resource(fields: Fields, tenant: Tenant) -> Application:
    return app_named(tenant.directory, fields.text("resource", "graph") or "graph")
