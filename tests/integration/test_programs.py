"""The programs as an operator starts them: settings, ports, signals, exit codes."""

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time

import httpx
import pytest

GUID = "6b2f3a54-90c1-4c1d-8f0e-2d7c5a9e4b10"
FIVE = {
    "OBO_MCP_TENANT_ID": GUID,
    "OBO_MCP_CLIENT_ID": GUID,
    "OBO_MCP_CLIENT_SECRET": "not-to-be-printed",
    "OBO_MCP_RESOURCE_URL": "http://127.0.0.1:1/mcp",
    "OBO_MCP_REQUIRED_SCOPE": "mcp.access",
}


def bare_environment(**settings):
    kept = ("PATH", "HOME", "COVERAGE_PROCESS_START", "COVERAGE_PROCESS_CONFIG")
    return {name: os.environ[name] for name in kept if name in os.environ} | settings


@contextlib.contextmanager
def program(*arguments, cwd, **settings):
    """`obo-mcp ...` running; it is asked to stop at the end, and must end with code 0."""
    process = subprocess.Popen(
        [sys.executable, "-m", "obo_cli", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=cwd,
        env=bare_environment(**settings),
    )
    try:
        yield process
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0, process.stderr.read()[-2000:]
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
        process.stderr.close()


def finished(*arguments, cwd, **settings):
    return subprocess.run(
        [sys.executable, "-m", "obo_cli", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=cwd,
        env=bare_environment(**settings),
    )


@pytest.mark.promise("P-08")
@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"OBO_MCP_TENANT_ID": "contoso"}, "OBO_MCP_TENANT_ID"),
        ({"OBO_MCP_CLIENT_SECRET": ""}, "OBO_MCP_CLIENT_SECRET"),
        ({"OBO_MCP_RESOURCE_URL": "http://mcp.example/mcp"}, "OBO_MCP_RESOURCE_URL"),
        ({"OBO_MCP_GRAPH_URL": "ftp://x"}, "OBO_MCP_GRAPH_URL"),
        ({"OBO_MCP_TOOLS": "mail_explode"}, "OBO_MCP_TOOLS"),
        ({"OBO_MCP_PORT": "99999"}, "OBO_MCP_PORT"),
        ({"OBO_MCP_CA_BUNDLE": "/no/such/file"}, "OBO_MCP_CA_BUNDLE"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_wrong_setting_stops_the_start_in_one_line_without_a_secret(tmp_path, changed, named):
    done = finished("serve", cwd=tmp_path, **(FIVE | changed))
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith(named)
    assert "not-to-be-printed" not in done.stderr


def test_a_port_in_use_is_said_in_one_line(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = finished("serve", cwd=tmp_path, **(FIVE | {"OBO_MCP_PORT": port}))
        assert (done.returncode, done.stderr.count("\n")) == (2, 1)
        tenant = finished("tenant", "--port", port, "--state-dir", str(tmp_path), cwd=tmp_path)
        assert tenant.returncode == 2
        assert port in tenant.stderr
        assert "Traceback" not in tenant.stderr


class Proxy:
    """Stands where a corporate proxy would: notes where everybody wants to go, lets nobody."""

    def __init__(self):
        self.wanted = []
        self.heard = threading.Event()
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._socket.accept()
                with connection:
                    self.wanted.append(connection.recv(4096).split(b"\r\n")[0].decode())
                    connection.sendall(b"HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n")
                    self.heard.set()

    def close(self):
        self._socket.close()


def test_with_five_settings_the_server_talks_to_the_public_cloud_through_the_proxy(tmp_path):
    proxy = Proxy()
    settings = FIVE | {"OBO_MCP_PORT": "0", "HTTPS_PROXY": proxy.url}
    with program("serve", cwd=tmp_path, **settings) as server:
        line = next(line for line in server.stderr if "listening" in line)
        port = re.search(r"port (\d+)", line)[1]
        assert proxy.heard.wait(20)
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as http:
            assert http.get("/livez").status_code == 200
            assert http.get("/readyz").status_code == 503
            challenge = http.post("/mcp").headers["www-authenticate"]
            metadata = http.get("/.well-known/oauth-protected-resource").json()
    proxy.close()
    assert proxy.wanted[0].startswith("CONNECT login.microsoftonline.com:443 ")
    assert f'scope="api://{GUID}/mcp.access"' in challenge
    assert metadata["authorization_servers"] == [f"https://login.microsoftonline.com/{GUID}/v2.0"]


def test_the_tenant_tells_a_program_what_it_is(tmp_path):
    state = str(tmp_path / "state")
    with program("tenant", "--port", "0", "--state-dir", state, "--json", cwd=tmp_path) as tenant:
        about = json.loads(tenant.stdout.readline())
    assert set(about["people"]) >= {"adele", "megan", "diego"}
    assert about["ca_path"].startswith(state)


def test_the_tenant_tells_a_person_the_settings_of_a_server(tmp_path):
    state = str(tmp_path / "state")
    with program("tenant", "--port", "0", "--state-dir", state, cwd=tmp_path) as tenant:
        lines = [tenant.stdout.readline() for _ in range(16)]
    exported = dict(re.findall(r"export (\w+)=(\S+)", "".join(lines)))
    assert set(exported) == {*FIVE, "OBO_MCP_AUTHORITY_HOST", "OBO_MCP_GRAPH_URL",
                             "OBO_MCP_GRAPH_RESOURCE", "OBO_MCP_CA_BUNDLE"}  # fmt: skip


def test_a_state_folder_that_cannot_be_used_is_said_in_one_line(tmp_path):
    file, damaged = tmp_path / "file", tmp_path / "damaged"
    file.write_text("in the way")
    for name in ("ca.pem", "ca-key.pem"):
        (damaged / name).mkdir(parents=True)
    for folder, named in ((file, file), (file / "below", file), (damaged, damaged / "ca.pem")):
        done = finished("tenant", "--port", "0", "--state-dir", str(folder), cwd=tmp_path)
        assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
        assert str(named) in done.stderr
        assert "Port" not in done.stderr


def test_the_demo_speaks_to_people_too(tmp_path):
    started = time.monotonic()
    done = finished("demo", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert time.monotonic() - started < 20
    for words in ("Adele Vance", "token endpoint", "exchanged", "cached", "Refused", "Summary"):
        assert words in done.stdout
    assert "eyJ" not in done.stdout + done.stderr


def test_every_verb_explains_itself(tmp_path):
    for verb in ("demo", "serve", "tenant", "login", "call", "scopes"):
        shown = finished(verb, "--help", cwd=tmp_path)
        assert shown.returncode == 0
        assert "Usage" in shown.stdout
