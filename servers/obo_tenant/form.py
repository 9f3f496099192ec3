"""Reads a form body strictly: one value per field, no more bytes than a form needs."""

from urllib.parse import parse_qsl

from starlette.requests import Request

from obo_tenant.body import TooLarge, read_body
from obo_tenant.refusal import Refusal

_MOST_FIELDS = 60


async def read_form(request: Request) -> dict[str, str]:
    """The fields of an `application/x-www-form-urlencoded` body.

    Raises:
        Refusal: 9002313 for another media type, a body that is too large, bytes that are not UTF-8
            or a field sent twice (RFC 6749 section 3.2).
    """
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/x-www-form-urlencoded":
        raise Refusal(9002313)
    try:
        return parse_form(await read_body(request))
    except TooLarge:
        raise Refusal(9002313) from None


def parse_form(raw: bytes) -> dict[str, str]:
    """The fields of an encoded form or query string. Raises Refusal 9002313 as `read_form`."""
    try:
        pairs = parse_qsl(
            raw.decode("ascii"),
            keep_blank_values=True,
            max_num_fields=_MOST_FIELDS,
            errors="strict",
        )
    except ValueError:
        raise Refusal(9002313) from None
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise Refusal(9002313)
    return fields


def required(form: dict[str, str], parameter: str) -> str:
    """A field that must be there and not blank. Raises Refusal 900144."""
    value = form.get(parameter, "").strip()
    if not value:
        raise Refusal(900144, parameter=parameter)
    return value
