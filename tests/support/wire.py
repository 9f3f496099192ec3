"""What requests finds at the other end of a transport: answers given, requests noted."""

import base64
import json
from io import BytesIO
from urllib.parse import parse_qs, parse_qsl, urlsplit

import requests
from requests.adapters import BaseAdapter
from urllib3 import HTTPResponse

AUTHORITY = "https://login.example"


class Wire(BaseAdapter):
    """An authority that knows each tenant, and gives a token for every form.

    `answers` come first: a status with a body, or an exception. `default` is given when none is
    left. Discovery is always answered.
    """

    def __init__(self):
        super().__init__()
        self.requests = []
        self.answers = []
        self.default = (
            200,
            {"access_token": "granted", "expires_in": 3600, "token_type": "Bearer"},
        )
        self.tenants_found = True

    def at(self, transport, *origins):
        """This wire behind a transport of ours."""
        for origin in origins or (AUTHORITY,):
            transport._session.mount(origin, self)
        return transport

    @property
    def forms(self):
        """The forms that came to the token endpoint."""
        return [dict(parse_qsl(_text(each.body))) for each in self.requests if each.body]

    @property
    def discoveries(self):
        return [each for each in self.requests if "openid-configuration" in each.url]

    @property
    def queries(self):
        """The queries of requests without a body, discovery left out."""
        gets = [each for each in self.requests if not each.body and each not in self.discoveries]
        return [{k: v[0] for k, v in parse_qs(urlsplit(each.url).query).items()} for each in gets]

    def send(self, request, **options):
        self.requests.append(request)
        if "openid-configuration" in request.url:
            return _response(request, *self._discovery(request.url))
        answer = self.answers.pop(0) if self.answers else self.default
        if isinstance(answer, Exception):
            raise answer
        return _response(request, *answer)

    def close(self):
        """Nothing is open."""

    def _discovery(self, url):
        if not self.tenants_found:
            return 400, {"error": "invalid_tenant", "error_codes": [90002]}
        tenant = url.split("/v2.0/")[0]
        endpoints = ("authorization_endpoint", "token_endpoint", "issuer")
        return 200, {name: f"{tenant}/oauth2/v2.0/{name}" for name in endpoints}


def header_of(jwt):
    return json.loads(base64.urlsafe_b64decode(jwt.split(".")[0] + "=="))


def payload_of(jwt):
    return json.loads(base64.urlsafe_b64decode(jwt.split(".")[1] + "=="))


def unsigned(**claims):
    """Something of the shape of a JWT that says `claims`."""
    parts = (json.dumps(part).encode() for part in ({"alg": "RS256"}, claims))
    head, body = (base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)
    return f"{head}.{body}.c2lnbmVk"


def _response(request, status, body, headers=()):
    raw = HTTPResponse(
        BytesIO(json.dumps(body).encode()), status=status, headers=dict(headers),
        preload_content=False,
    )  # fmt: skip
    return requests.adapters.HTTPAdapter().build_response(request, raw)


def _text(body):
    return body.decode() if isinstance(body, bytes) else body
