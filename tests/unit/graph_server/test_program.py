"""Settings, composition and the program around them."""

import os
import signal
import socket
import subprocess
import sys
from urllib.request import urlopen

import pytest

from obo_graph.__main__ import main
from obo_graph.settings import GraphSettings
from obo_mcp import ConfigurationError

TENANT = "6b2f3a54-90c1-4c1d-8f0e-2d7c5a9e4b10"
LIBRARY = {
    "OBO_MCP_TENANT_ID": TENANT,
    "OBO_MCP_CLIENT_ID": "0f5c1d6e-3b0a-4a7e-9a43-5d8f21c7e601",
    "OBO_MCP_CLIENT_SECRET": "not-a-real-secret",
    "OBO_MCP_RESOURCE_URL": "http://127.0.0.1:8000/mcp",
    "OBO_MCP_REQUIRED_SCOPE": "mcp.access",
    "OBO_MCP_AUTHORITY_HOST": "https://localhost:1",
}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("graph_url", "http://graph.microsoft.com"),
        ("graph_url", "https://graph.microsoft.com/v1.0"),
        ("graph_url", "https://user@graph.microsoft.com"),
        ("graph_url", "graph.microsoft.com"),
        ("graph_url", "https://x:port"),
        ("tools", "mail,telepathy"),
        ("result_budget_bytes", 100),
        ("port", 70_000),
        ("download_hosts", "files.example"),
        ("download_hosts", ".example"),
        ("unheard_of", "whatever"),
    ],
)
def test_a_wrong_setting_is_named_in_one_line_without_its_value(name, value):
    with pytest.raises(ConfigurationError) as refused:
        GraphSettings(**{name: value})
    words = str(refused.value)
    assert words.startswith(f"OBO_MCP_{name.upper()}: ")
    assert "\n" not in words
    assert str(value) not in words


def test_settings_have_safe_defaults():
    settings = GraphSettings()
    assert settings.scope_for("mail_read") == "https://graph.microsoft.com/.default"
    assert settings.read_only
    assert settings.host == "127.0.0.1"
    assert settings.download_hosts == (".sharepoint.com", ".1drv.com")


def test_the_local_tenant_may_speak_http_and_keeps_the_real_resource():
    settings = GraphSettings(
        graph_url="http://127.0.0.1:8080", graph_resource="https://graph.microsoft.com"
    )
    assert settings.graph_url == "http://127.0.0.1:8080"
    assert settings.scope_for("mail_read") == "https://graph.microsoft.com/.default"


def test_a_file_of_settings_is_read_and_strangers_in_it_passed_over(tmp_path, monkeypatch):
    monkeypatch.delenv("OBO_MCP_TOOLS", raising=False)
    file = tmp_path / ".env"
    file.write_text("OBO_MCP_TOOLS=mail\nOBO_MCP_TENANT_ID=x\nOTHER=1\n")
    assert GraphSettings.from_env(file).offered[:2] == ("mail_search", "mail_read")


@pytest.fixture
def environment(monkeypatch, tmp_path):
    for name in list(os.environ):
        if name.startswith(("OBO_MCP_", "AZURE_")):
            monkeypatch.delenv(name)
    for name, value in LIBRARY.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    return monkeypatch


def test_a_wrong_setting_ends_the_program_with_code_2(environment, capsys):
    environment.setenv("OBO_MCP_TOOLS", "telepathy")
    assert main([]) == 2
    assert capsys.readouterr().err.splitlines()[0].startswith("OBO_MCP_TOOLS: ")


def test_a_missing_setting_of_the_library_ends_it_likewise(environment, capsys):
    environment.delenv("OBO_MCP_TENANT_ID")
    assert main([]) == 2
    assert capsys.readouterr().err.startswith("OBO_MCP_TENANT_ID: ")


def test_a_port_in_use_ends_the_program_with_code_2(environment, capsys):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        environment.setenv("OBO_MCP_PORT", str(taken.getsockname()[1]))
        assert main([]) == 2
    assert capsys.readouterr().err == (
        "OBO_MCP_HOST, OBO_MCP_PORT: cannot listen there: Address already in use\n"
    )


def test_the_program_serves_and_ends_with_code_0_when_told_to():
    program = subprocess.Popen(
        [sys.executable, "-m", "obo_graph"],
        env={"PATH": os.environ["PATH"], **LIBRARY, "OBO_MCP_PORT": "0"},
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        first = next(line for line in program.stderr if "listening" in line)
        port = int(first.split(" port ")[1].split('"')[0])
        with urlopen(f"http://127.0.0.1:{port}/livez", timeout=10) as answer:
            assert answer.status == 200
            assert "server" not in answer.headers
    finally:
        program.send_signal(signal.SIGTERM)
        rest = program.stderr.read()
        code = program.wait(15)
        program.stderr.close()
    assert code == 0, rest
    assert "Traceback" not in rest
