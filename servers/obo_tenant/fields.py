"""Reads the JSON body of a control switch strictly: unknown members and wrong types are errors."""

from collections.abc import Mapping
from typing import Any, TypeVar

from starlette.requests import Request

from obo_tenant.apps import Application
from obo_tenant.body import MOST_BYTES, TooLarge, read_body
from obo_tenant.directory import Account, Directory
from obo_tenant.plain_json import read_json
from obo_tenant.tenant import Tenant

T = TypeVar("T")


class BadSwitch(Exception):
    """The body of a control switch cannot be used; the text says which member and why."""


class Fields:
    """The members of a JSON object; each is taken once, and what is left over is an error."""

    def __init__(self, members: Mapping[str, Any]) -> None:
        self._members = dict(members)

    @classmethod
    async def of(cls, request: Request) -> "Fields":
        """The members of a request's body. Raises BadSwitch if it is no small JSON object."""
        try:
            members = read_json(await read_body(request))
        except TooLarge:
            raise BadSwitch(f"the body must be no larger than {MOST_BYTES // 1024} kB") from None
        except ValueError:
            raise BadSwitch("the body must be JSON") from None
        if not isinstance(members, dict):
            raise BadSwitch("the body must be a JSON object")
        return cls(members)

    def text(self, name: str, default: str | None = None) -> str | None:
        """A string, or None where null or nothing was sent and there is no default."""
        value: str | None = self._take(name, str, default)
        return value

    def needed(self, name: str) -> str:
        """A string that must be there."""
        value: str | None = self._take(name, str, None)
        if value is None:
            raise BadSwitch(f"{name} is missing")
        return value

    def whole(self, name: str, default: int | None, lowest: int, highest: int) -> int | None:
        """A whole number between the bounds."""
        value: int | None = self._take(name, int, default)
        if value is not None and not lowest <= value <= highest:
            raise BadSwitch(f"{name} must be between {lowest} and {highest}")
        return value

    def number(self, name: str, default: float, highest: float) -> float:
        """A number of at least 0."""
        value = self._take(name, (int, float), default)
        if not 0 <= value <= highest:
            raise BadSwitch(f"{name} must be between 0 and {highest}")
        return float(value)

    def flag(self, name: str, default: bool | None = False) -> bool | None:
        """True or false."""
        value: bool | None = self._take(name, bool, default)
        return value

    def texts(self, name: str) -> tuple[str, ...] | None:
        """A list of strings."""
        value = self._take(name, list, None)
        if value is not None and not all(isinstance(item, str) for item in value):
            raise BadSwitch(f"{name} must be a list of strings")
        return None if value is None else tuple(value)

    def mapping(self, name: str) -> dict[str, Any] | None:
        """A JSON object."""
        value: dict[str, Any] | None = self._take(name, dict, None)
        return value

    def end(self) -> None:
        """Nothing else may be there. Raises BadSwitch."""
        if self._members:
            raise BadSwitch(f"unknown: {', '.join(sorted(self._members))[:200]}")

    def _take(self, name: str, kind: Any, default: Any) -> Any:
        value = self._members.pop(name, None)
        if value is None:
            return default
        number_for_flag = isinstance(value, bool) and kind is not bool
        if number_for_flag or not isinstance(value, kind):
            raise BadSwitch(f"{name} has the wrong type")
        return value


def app_named(directory: Directory, name: str) -> Application:
    """The application of that short name. Raises BadSwitch."""
    return _known(directory.app(name), f"there is no app {name!r}")


def tenant_named(home: Tenant, name: str | None) -> Tenant | None:
    """The tenant of that short name; None without a name. Raises BadSwitch."""
    found = {each.organization.key: each for each in home.cloud.tenants}
    return _known(found.get(name), f"there is no tenant {name!r}") if name else None


def person_named(home: Tenant, key: str, tenant: Tenant | None = None) -> tuple[Tenant, Account]:
    """The account of that short name, which decides the tenant unless one is given.

    Raises:
        BadSwitch: nobody is called that, there.
    """
    for each in home.cloud.tenants if tenant is None else (tenant,):
        account = each.directory.account(key)
        if account is not None:
            return each, account
    raise BadSwitch(f"there is no person {key!r}{' in that tenant' if tenant else ''}")


def _known(found: T | None, otherwise: str) -> T:
    if found is None:
        raise BadSwitch(otherwise)
    return found
