import json
import socket

import pytest

PROTOCOLS = ["auto", "legacy", "modern"]


@pytest.fixture
def ask(obo, small_server):
    def ask(*words, token="good", **options):
        return obo("call", small_server, *words, "--token-stdin", stdin=f"{token}\n", **options)

    return ask


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_tool_is_called_in_every_generation(ask, protocol):
    result = ask(
        "types", "text=7", "count=3", "flag=true", "tags=a", "tags=b", "--json",
        "--protocol", protocol,
    )  # fmt: skip
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout) == {
        "text": "7", "count": 3, "ratio": 1.0, "flag": True, "tags": ["a", "b"],
    }  # fmt: skip


def test_text_for_people_cannot_drive_the_terminal(ask):
    assert ask("plain").stdout == "one [2Jtwo\n"


def test_progress_goes_to_stderr_only(ask):
    result = ask("slow")
    assert (result.stdout, result.stderr) == ("done\n", "50% half way\n")


def test_tools_are_listed_with_their_arguments(ask):
    lines = ask("--list").stdout.splitlines()
    assert "types text= [count=] [ratio=] [flag=] [tags=]" in lines
    assert "    Say who the token stands for." in lines


def test_the_list_is_available_as_json(ask):
    names = {tool["name"] for tool in json.loads(ask("--list", "--json").stdout)}
    assert {"whoami", "mail_search"} <= names


def test_a_tool_error_ends_with_5(ask):
    result = ask("refuses")
    assert result.exit_code == 5
    assert "mailbox [31mnot found" in result.stderr
    assert result.stdout == ""


def test_a_page_to_open_is_shown(ask):
    result = ask("needs_consent", "--protocol", "legacy")
    assert result.exit_code == 5
    assert result.stderr.splitlines()[-1] == "https://consent.example/c"


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_refused_sign_in_ends_with_3_and_the_servers_words(ask, protocol):
    result = ask("whoami", "--protocol", protocol, token="stale-secret")
    assert result.exit_code == 3
    assert "the access token has expired" in result.stderr
    assert "obo-mcp login" in result.stderr
    assert "stale-secret" not in result.output


def test_a_missing_scope_ends_with_3_and_names_the_scope(ask):
    result = ask("whoami", token="narrow")
    assert result.exit_code == 3
    assert "mcp.admin is needed" in result.stderr
    assert "--scope api://x/mcp.admin" in result.stderr


def test_a_busy_server_ends_with_4(ask):
    result = ask("whoami", token="busy")
    assert (result.exit_code, result.stderr) == (
        4,
        "The server answered 503: keys cannot be fetched\n",
    )


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_an_unreachable_server_ends_with_4_without_a_traceback(obo, protocol):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    url = f"http://127.0.0.1:{port}/mcp"
    result = obo("call", url, "whoami", "--token-stdin", "--protocol", protocol, stdin="t\n")
    assert result.exit_code == 4
    assert "cannot be reached" in result.stderr
    assert "Traceback" not in result.output


def test_a_wrong_path_ends_with_4(obo, small_server):
    result = obo("call", f"{small_server}/nothing", "x", "--token-stdin", stdin="good\n")
    assert result.exit_code == 4
    assert "There is no MCP server at" in result.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "Name a tool"),
        (("text=7",), "Name a tool"),
        (("nothing",), "lists no tool 'nothing'. It lists: whoami"),
        (("types", "colour=red"), "knows no argument 'colour'"),
        (("types", "text=x", "count=many"), "count must be integer"),
    ],
)
def test_wrong_words_end_with_2(ask, words, said):
    result = ask(*words)
    assert result.exit_code == 2
    assert said in result.stderr


@pytest.mark.parametrize("line", ["\n", "two words\n", "tökén\n", ""])
def test_stdin_without_one_token_is_refused(obo, small_server, line):
    result = obo("call", small_server, "whoami", "--token-stdin", stdin=line)
    assert result.exit_code == 2
    assert "one access token on one line" in result.stderr


@pytest.mark.parametrize(
    ("url", "said"),
    [("http://mcp.example/mcp", "in the clear"), ("ftp://mcp.example/", "not a server's address")],
)
def test_a_token_is_not_sent_where_others_could_read_it(obo, url, said):
    result = obo("call", url, "whoami", "--token-stdin", stdin="good\n")
    assert result.exit_code == 2
    assert said in result.stderr


def test_the_server_may_come_from_the_environment(obo, small_server):
    result = obo(
        "call", "whoami", "--json", "--token-stdin", stdin="good\n",
        env={"OBO_MCP_RESOURCE_URL": small_server},
    )  # fmt: skip
    assert json.loads(result.stdout) == {"oid": "somebody"}


def test_calling_without_a_sign_in_ends_with_3(obo, small_server, tmp_path):
    result = obo("call", small_server, "whoami", "--store", tmp_path / "empty")
    assert result.exit_code == 3
    assert result.stderr == "Nobody is signed in. Sign in with: obo-mcp login\n"


def test_an_unreadable_ca_bundle_ends_with_2(ask, tmp_path):
    bundle = tmp_path / "ca.pem"
    bundle.write_text("no certificate")
    result = ask("whoami", "--ca-bundle", bundle)
    assert result.exit_code == 2
    assert "cannot be read" in result.stderr
