"""HTTP for MSAL: what it sends beside the request, how long it waits, what it hands on."""

import asyncio
import json
import socket
import threading
import time
from contextlib import ExitStack, suppress

import pytest

from obo_mcp.errors import OboError, TokenEndpointThrottled, TokenEndpointUnavailable
from obo_mcp.exchange.cause import Refusal, cause_of
from obo_mcp.exchange.transport import TokenEndpointTransport
from support.serving import Serving


class Endpoint:
    """Answers as the test wants, and notes what came."""

    def __init__(self):
        self.seen = []
        self.status, self.headers, self.parts = 200, [], [b"{}"]
        self.step = threading.Event()

    async def __call__(self, scope, receive, send):
        assert scope["type"] == "http"
        self.seen.append((scope["path"], dict(scope["headers"])))
        await send({"type": "http.response.start", "status": self.status, "headers": self.headers})
        for part in self.parts:
            if part is None:
                await asyncio.to_thread(self.step.wait, 0.4)
                continue
            await send({"type": "http.response.body", "body": part, "more_body": True})
        await send({"type": "http.response.body", "body": b""})


@pytest.fixture(scope="module")
def served():
    endpoint = Endpoint()
    with Serving(lambda url: endpoint) as serving:
        endpoint.url = serving.url
        yield endpoint


@pytest.fixture
def endpoint(served):
    served.seen, served.status, served.headers, served.parts = [], 200, [], [b"{}"]
    return served


@pytest.fixture
def transport():
    transport = TokenEndpointTransport(ca_bundle=None, timeout_seconds=1.0, connections=2)
    yield transport
    transport.close()


def post(transport, endpoint, **options):
    return transport.post(f"{endpoint.url}/token", data={"a": "b"}, headers={}, **options)


def test_the_answer_carries_status_text_and_headers_and_no_request(transport, endpoint):
    endpoint.status, endpoint.headers = 400, [(b"X-Trace", b"t")]
    endpoint.parts = [b'{"error":', b'"invalid_grant"}']
    answer = post(transport, endpoint)
    assert (answer.status_code, answer.text) == (400, '{"error":"invalid_grant"}')
    assert answer.headers["x-trace"] == "t"
    assert "invalid_grant" not in repr(answer)
    with pytest.raises(ValueError, match="400"):
        answer.raise_for_status()


def test_no_answer_hands_a_retry_after_on(transport, endpoint):
    endpoint.headers = [(b"Retry-After", b"30")]
    assert "retry-after" not in post(transport, endpoint).headers


@pytest.mark.parametrize(
    ("said", "seconds"),
    [("17", 17), ("0", 1), ("999999999", 3600), ("-1", 5), ("Mon, 01 Jan 2024", 5), ("", 5)],
)
def test_a_pause_is_taken_in_seconds_and_within_reason(transport, endpoint, said, seconds):
    for status, kind in ((429, TokenEndpointThrottled), (503, TokenEndpointUnavailable)):
        endpoint.status, endpoint.headers = status, [(b"Retry-After", said.encode())]
        with pytest.raises(kind) as caught:
            post(transport, endpoint)
        assert caught.value.retry_after_seconds == seconds


def test_cookies_are_not_kept(transport, endpoint):
    endpoint.headers = [(b"Set-Cookie", b"esctx=of-adele; Path=/")]
    post(transport, endpoint)
    post(transport, endpoint)
    assert not [headers for _, headers in endpoint.seen if b"cookie" in headers]


def test_redirects_are_not_followed(transport, endpoint):
    endpoint.status, endpoint.headers = 307, [(b"Location", b"/elsewhere")]
    post(transport, endpoint)
    assert [path for path, _ in endpoint.seen] == ["/token"]


def test_netrc_is_not_read(transport, endpoint, monkeypatch, tmp_path):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login adele password hunter2\n")
    monkeypatch.setenv("NETRC", str(netrc))
    post(transport, endpoint)
    assert b"authorization" not in endpoint.seen[0][1]


def test_the_correlation_id_goes_out_as_client_request_id(transport, endpoint):
    post(transport, endpoint, correlation_id="abc")
    assert endpoint.seen[0][1][b"client-request-id"] == b"abc"


@pytest.mark.parametrize(
    "parts",
    [[b""], [b"<html>"], [b"[]"], [b'"x"'], [b'{"access_token":"cut of'], [b"[" * 50_000]],
    ids=["empty", "html", "list", "text", "cut", "deep"],
)
def test_what_is_no_json_object_never_reaches_msal(transport, endpoint, parts, caplog):
    endpoint.parts = parts
    with pytest.raises(TokenEndpointUnavailable):
        post(transport, endpoint)
    assert "cut of" not in caplog.text


def test_an_answer_that_drips_in_ends_with_the_time_out(transport, endpoint):
    endpoint.parts = [b"{", *[None, b" "] * 20, b"}"]
    with pytest.raises(TokenEndpointUnavailable) as caught:
        post(transport, endpoint)
    assert "Timeout" in str(caught.value.__cause__)
    endpoint.step.set()


class Line:
    """One connection of a server that speaks byte by byte, with `PACE` between what it says."""

    PACE = 0.2

    def __init__(self, *says):
        self.says = says
        self.gone = threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]

    def __enter__(self):
        self.thread = threading.Thread(target=self.speak)
        self.thread.start()
        return self

    def speak(self):
        line, _ = self.listener.accept()
        with line, suppress(OSError):
            line.recv(65_536)
            for part in self.says:
                line.sendall(part)
                self.gone.wait(self.PACE)
            self.gone.wait()

    def __exit__(self, *_):
        self.gone.set()
        self.thread.join()
        self.listener.close()


def ends_in_time(transport, url):
    begun = time.monotonic()
    with pytest.raises(TokenEndpointUnavailable) as caught:
        transport.post(url, data={"a": "b"}, headers={})
    assert time.monotonic() - begun < 1.4
    assert "Timeout" in str(caught.value.__cause__)
    assert not cause_of(caught.value).is_blip


OK = b"HTTP/1.1 200 OK\r\n"
DRIPS = {
    "body of a known length": [OK + b"content-length: 40\r\n\r\n{", *[b" "] * 38, b"}"],
    "headers": [OK, *(b"x-%d: y\r\n" % n for n in range(30)), b"content-length: 2\r\n\r\n{}"],
    "one header": [OK, b"x: ", *[b"y"] * 30, b"\r\ncontent-length: 2\r\n\r\n{}"],
    "answers that announce one": [*[b"HTTP/1.1 100 Continue\r\n\r\n"] * 30, OK + b"\r\n{}"],
    "nothing": [],
}


@pytest.mark.parametrize("says", DRIPS.values(), ids=DRIPS)
def test_whatever_drips_in_ends_with_the_time_out(transport, says):
    with Line(*says) as line:
        ends_in_time(transport, f"http://127.0.0.1:{line.port}/token")


@pytest.mark.parametrize("says", [DRIPS["headers"], [OK + b"\r\n"]], ids=["drips", "no TLS"])
def test_a_proxy_that_drips_or_leads_nowhere_ends_with_the_time_out(transport, says, monkeypatch):
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    with Line(*says) as line:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{line.port}")
        ends_in_time(transport, "https://login.example/token")


def test_a_handshake_that_never_ends_ends_with_the_time_out(transport):
    with Line() as line:
        ends_in_time(transport, f"https://127.0.0.1:{line.port}/token")


def addressed_to(places, monkeypatch):
    """The system's resolver says that login.example is at `places`."""
    known = socket.getaddrinfo

    def resolve(host, port, *arguments, **options):
        hosts = places if host == "login.example" else [host]
        return [found for each in hosts for found in known(each, port, *arguments, **options)]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)


def test_all_addresses_of_a_host_share_the_time_out(transport, monkeypatch):
    """A listener whose queue is full answers no SYN: so a firewall drops packets."""
    addressed_to([f"127.0.0.{number}" for number in range(1, 6)], monkeypatch)
    with ExitStack() as held:
        full = held.enter_context(socket.create_server(("0.0.0.0", 0), backlog=0))
        port = full.getsockname()[1]
        for _ in range(4):
            waiting = held.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(("127.0.0.1", port))
        ends_in_time(transport, f"http://login.example:{port}/token")


def test_an_address_that_refuses_is_followed_by_the_next(endpoint, transport, monkeypatch):
    addressed_to(["127.0.0.7", "127.0.0.1"], monkeypatch)
    port = endpoint.url.rpartition(":")[2]
    answer = transport.post(f"http://login.example:{port}/token", data={}, headers={})
    assert answer.status_code == 200


def test_a_connection_is_used_again_with_a_time_out_of_its_own(endpoint, transport):
    endpoint.parts = [b"{", None, b"}"]
    for _ in range(4):  # 1.6 seconds together
        assert post(transport, endpoint).status_code == 200
    pools = transport._session.get_adapter(endpoint.url).poolmanager.pools
    (pool,) = map(pools.get, list(pools.keys()))
    assert pool.num_connections == 1


def test_an_endless_answer_is_cut_off(transport, endpoint):
    endpoint.parts = [b" " * 65_536] * 40
    with pytest.raises(TokenEndpointUnavailable):
        post(transport, endpoint)


def test_roots_that_vanished_are_an_outage(endpoint, tmp_path):
    roots = tmp_path / "gone.pem"
    transport = TokenEndpointTransport(ca_bundle=roots, timeout_seconds=1.0, connections=1)
    with pytest.raises(TokenEndpointUnavailable) as caught:
        transport.post("https://127.0.0.1:9/token", data={}, headers={})
    assert str(caught.value.__cause__) in {"OSError", "FileNotFoundError", "ConnectionError"}
    transport.close()


def failure(transport, endpoint) -> OboError:
    with pytest.raises(OboError) as caught:
        post(transport, endpoint)
    return caught.value


def said(**members) -> list[bytes]:
    return [json.dumps(members).encode()]


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504, 599])
@pytest.mark.parametrize("asked", [None, 17])
def test_the_cause_says_whether_patience_was_asked_for(transport, endpoint, status, asked):
    endpoint.status = status
    endpoint.headers = [(b"Retry-After", str(asked).encode())] if asked else []
    cause = cause_of(failure(transport, endpoint))
    assert cause.asked_seconds == asked
    assert cause.is_blip == (asked is None and status != 429)
    assert str(cause) == f"HTTP {status}"


def test_a_429_says_whom_it_is_about(transport, endpoint):
    endpoint.status = 429
    endpoint.parts = said(error="temporarily_unavailable", error_codes=[90055])
    error = failure(transport, endpoint)
    assert type(error) is TokenEndpointThrottled
    assert cause_of(error).codes == (90055,)


def test_a_refusal_that_passes_comes_with_its_retry_after(transport, endpoint):
    endpoint.status, endpoint.headers = 400, [(b"Retry-After", b"23")]
    endpoint.parts = said(error="invalid_request", error_codes=[90055])
    error = failure(transport, endpoint)
    assert type(error) is TokenEndpointThrottled
    assert isinstance(error.__cause__, Refusal)
    assert (error.retry_after_seconds, error.__cause__.asked_seconds) == (23, 23)


@pytest.mark.parametrize("status", [400, 401])
def test_a_refusal_that_stays_goes_to_msal_without_its_retry_after(transport, endpoint, status):
    endpoint.status, endpoint.headers = status, [(b"Retry-After", b"23")]
    endpoint.parts = said(error="invalid_grant", error_codes=[65001])
    answer = post(transport, endpoint)
    assert (answer.status_code, "retry-after" in answer.headers) == (status, False)


def test_a_connection_that_nobody_takes_is_a_blip():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"https://127.0.0.1:{unused.getsockname()[1]}/token"
        transport = TokenEndpointTransport(ca_bundle=None, timeout_seconds=1.0, connections=1)
        with pytest.raises(TokenEndpointUnavailable) as caught:
            transport.post(address, data={}, headers={})
        transport.close()
    assert cause_of(caught.value).is_blip


def test_an_answer_that_took_all_its_time_is_no_blip(transport, endpoint):
    endpoint.parts = [b"{", *[None, b" "] * 20, b"}"]
    endpoint.step.clear()
    assert not cause_of(failure(transport, endpoint)).is_blip
    endpoint.step.set()


def test_a_certificate_that_is_not_trusted_is_no_blip(endpoint):
    transport = TokenEndpointTransport(ca_bundle=None, timeout_seconds=1.0, connections=1)
    with pytest.raises(TokenEndpointUnavailable) as caught:
        transport.post(endpoint.url.replace("http:", "https:"), data={}, headers={})
    transport.close()
    assert str(caught.value.__cause__) == "SSLError"
    assert not cause_of(caught.value).is_blip


def test_nothing_of_the_request_hangs_on_a_failure(transport, endpoint):
    endpoint.status = 500
    error = failure(transport, endpoint)
    assert error.__cause__.__cause__ is None
    assert error.__cause__.__context__ is None
    assert error.__context__ is None
