"""A token endpoint that names the person in whatever it says, and often has a bad day.

It stands behind the session of a transport, in this process: a million exchanges need no socket.
Its tokens are read, never validated, as downstream tokens are.
"""

import base64
import json
import random
import threading
from collections import Counter
from urllib.parse import parse_qsl

from requests.adapters import BaseAdapter

from support.wire import _response, payload_of

GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
WORDS = "this concerns"
PLENTY = "s" * 600  # about as long as a real token
BAD_DAYS = ("429", "500", "400 with Retry-After", "200 with Retry-After")
SHARE = 0.05
"""How many of the answers each kind of bad day takes."""


class TokenEndpointWithBadDays(BaseAdapter):
    """Answers exchanges by the assertion alone: no signature is looked at, nothing remembered.

    `happened` counts the answers by kind, `refused_at` says when a person was last refused.
    `lifetimes` are the shortest and the longest life of a
    token in seconds, by `clock`.
    """

    def __init__(self, clock, seed, *, share=SHARE, lifetimes=(240, 900)):
        super().__init__()
        self._clock = clock
        self._chance = random.Random(seed)
        self._share = share
        self._lifetimes = lifetimes
        self._one_at_a_time = threading.Lock()
        self.happened = Counter()
        self.refused_at = {}

    def before(self, transport, origin):
        """Put this endpoint where `transport` would find the authority at `origin`."""
        transport._session.mount(origin, self)

    def send(self, request, **_):
        if "openid-configuration" in request.url:
            return _response(request, 200, discovery(request.url))
        form = form_of(request.body)
        assert form["grant_type"] == GRANT
        asked = payload_of(form["assertion"])
        with self._one_at_a_time:
            kind = self._day()
            self.happened[kind] += 1
            serial = self.happened.total()
            lifetime = self._chance.randint(*self._lifetimes)
        if kind == "500":
            return _response(request, 500, _error("server_error", 0, asked))
        if kind == "429":
            return _response(request, 429, _error("temporarily_unavailable", 0, asked), _after(20))
        if kind == "400 with Retry-After":
            self.refused_at[asked["oid"]] = self._clock.now()
            return _response(request, 400, _refusal(serial, asked), _after(20))
        now = self._clock.now()
        body = granted(form, asked, now=now, lifetime=lifetime, serial=serial)
        return _response(request, 200, body, _after(20) if kind != "granted" else ())

    def close(self):
        """Nothing is open."""

    def _day(self):
        drawn = self._chance.random()
        for kind in BAD_DAYS:
            drawn -= self._share
            if drawn < 0:
                return kind
        return "granted"


def granted(form, asked, *, now, lifetime, serial):
    """The body of a successful answer: a token that names its person, and more than we want."""
    resource = form["scope"].split("/.default")[0].split()[-1]
    claims = {
        "aud": resource,
        "oid": asked["oid"],
        "tid": asked["tid"],
        "exp": int(now) + lifetime,
        "serial": serial,
        "of": asked["uti"],
        "asked": form.get("claims", ""),
    }
    return {
        "token_type": "Bearer",
        "expires_in": lifetime,
        "scope": f"{resource}/.default",
        "access_token": _jwt(claims),
        "id_token": _jwt({"oid": asked["oid"]}),
        "refresh_token": f"1.refresh-of-{asked['oid']}",
    }


def _refusal(serial, asked):
    """A claims challenge, a sign-in that is over, or a word of patience: all name the person."""
    error, code = (
        ("interaction_required", 50076),
        ("invalid_grant", 50173),
        ("temporarily_unavailable", 90033),
    )[serial % 3]
    return _error(error, code, asked)


def _error(error, code, asked):
    body = {
        "error": error,
        "error_codes": [code] if code else [],
        "error_description": f"AADSTS{code}: {WORDS} {asked['oid']} and nobody else.",
    }
    if error == "interaction_required":
        wanted = {"essential": True, "value": asked["oid"]}
        body["claims"] = json.dumps({"access_token": {"acrs": wanted}})
    return body


def _after(seconds):
    return {"Retry-After": str(seconds)}


def discovery(url):
    tenant = url.split("/v2.0/")[0]
    names = ("authorization_endpoint", "token_endpoint", "issuer")
    return {name: f"{tenant}/oauth2/v2.0/{name}" for name in names}


def form_of(body):
    return dict(parse_qsl(body.decode() if isinstance(body, bytes) else body))


def _jwt(claims):
    parts = (json.dumps(part).encode() for part in ({"typ": "JWT", "alg": "RS256"}, claims))
    head, body = (base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)
    return f"{head}.{body}.{PLENTY}"
