"""Which item a model means, out of whatever it passes."""

import base64
from urllib.parse import unquote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mcp.server.mcpserver.exceptions import ToolError

from obo_graph.files.place import checked_name, place, place_or_page

HOSTS = (".sharepoint.com", ".1drv.com")


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ("/", "/me/drive/root"),
        ("//", "/me/drive/root"),
        ("/Reports", "/me/drive/root:/Reports:"),
        ("/Reports/", "/me/drive/root:/Reports:"),
        ("/Reports//Q3 plan.docx", "/me/drive/root:/Reports/Q3%20plan.docx:"),
        ("/100%/#1 & ä.txt", "/me/drive/root:/100%25/%231%20%26%20%C3%A4.txt:"),
        ("/%2e%2e/x", "/me/drive/root:/%252e%252e/x:"),
        ("/a;b=c", "/me/drive/root:/a%3Bb%3Dc:"),
        ("/❤️", "/me/drive/root:/%E2%9D%A4%EF%B8%8F:"),
        ("/...a", "/me/drive/root:/...a:"),
        ("b!D1/01ABC", "/drives/b%21D1/items/01ABC"),
    ],
)
def test_a_path_or_a_ref_is_a_place(value, path):
    assert place("item", value).path == path


HOSTILE = [
    "/..",
    "/a/..",
    "/../me/messages",
    "/a/./b",
    "/. .",
    "/a/ ",
    "/\u3000",
    "/a:/children",
    "/a:",
    "/:/../..",
    "/a\\..\\b",
    "/a?x=1",
    "/a*b",
    '/a"b',
    "/a|b",
    "/a<b",
    "/a\x00b",
    "/a\r\nHost: x",
    "/a\x85b",
    "/a\ud800b",
    "/" + "a" * 401,
    "/" + "ä" * 201,
    "/" + "a/" * 33,
    "..",
    "",
    "a",
    "a/b/c",
    "../x",
    "b!D/..",
    "b!D/%2e%2e",
    "root:/x",
    "me/drive/root",
    " /a",
    "//evil.example/..",
]


@pytest.mark.parametrize("value", HOSTILE)
@pytest.mark.parametrize("find", [place, lambda a, v: place_or_page(a, v, HOSTS)])
def test_what_is_no_place_is_refused(find, value):
    with pytest.raises(ToolError, match="item"):
        find("item", value)


def test_a_path_may_lie_in_another_drive():
    assert place("folder", "/", drive="b!D1").path == "/drives/b%21D1/root"
    assert place("folder", "/a b", drive="b!D1").path == "/drives/b%21D1/root:/a%20b:"


@pytest.mark.parametrize(
    ("value", "drive"),
    [
        ("b!D/01", "b!D1"),
        ("/", ".."),
        ("/", "a b"),
        ("/", "x/../y"),
        ("/", "x/y"),
        ("/", "root:/x:"),
    ],
)
def test_a_drive_goes_with_a_path_and_is_an_id(value, drive):
    with pytest.raises(ToolError, match="drive"):
        place("folder", value, drive=drive)


@pytest.mark.parametrize(
    ("folder", "path"),
    [
        ("/", "/me/drive/root:/a%20b.txt:"),
        ("/R/S", "/me/drive/root:/R/S/a%20b.txt:"),
        ("b!D/01", "/drives/b%21D/items/01:/a%20b.txt:"),
    ],
)
def test_a_new_file_lies_in_its_folder(folder, path):
    assert place("folder", folder).child("a b.txt").path == path


@pytest.mark.parametrize(
    "address",
    [
        "https://contoso.sharepoint.com/:w:/s/x/Eabc?e=1&x=../..",
        "https://CONTOSO-my.sharepoint.com/personal/adele/Documents/a%20b.docx",
        "https://x.1drv.com/u/s!abc",
        "https://contoso.sharepoint.com:443/a",
    ],
)
def test_the_address_of_a_page_goes_nowhere_but_into_the_key_of_a_share(address):
    path = place_or_page("item", address, HOSTS).path
    key = path.removeprefix("/shares/u!").removesuffix("/driveItem")
    assert set(key) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_")
    assert base64.urlsafe_b64decode(key + "==").decode() == address


@pytest.mark.parametrize(
    "address",
    [
        "http://contoso.sharepoint.com/a",
        "https://evil.example/contoso.sharepoint.com",
        "https://sharepoint.com.evil.example/a",
        "https://evilsharepoint.com/a",
        "https://sharepoint.com/a",
        "https://user@contoso.sharepoint.com/a",
        "https://contoso.sharepoint.com@evil.example/a",
        "https://contoso.sharepoint.com:8443/a",
        "https://contoso.sharepoint.com",
        "https://contoso.sharepoint.com/",
        "https://graph.microsoft.com/v1.0/me/messages",
        "https://evil.example\\.sharepoint.com/a",
        "https://evil.example#.sharepoint.com/a",
        "https://evil.example?.sharepoint.com/a",
        "https://contoso.sharepoint.com/a b",
        "https://contoso.sharepoint.com/a\nb",
        "https://contoso.sharepoint.com/ä",
        "https://[::1].sharepoint.com/a",
        "https://169.254.169.254/latest",
        "file:///etc/passwd",
        "ftp://contoso.sharepoint.com/a",
        "javascript://contoso.sharepoint.com/a",
        "https://",
        "://",
        " https://contoso.sharepoint.com/a",
    ],
)
def test_the_address_of_another_page_is_refused(address):
    with pytest.raises(ToolError, match="item"):
        place_or_page("item", address, HOSTS)


def test_what_is_changed_is_not_named_by_the_address_of_a_page():
    with pytest.raises(ToolError):
        place("item", "https://contoso.sharepoint.com/a")


@pytest.mark.parametrize(
    "name",
    [
        "a.txt",
        ".gitignore",
        "Ä b (1).docx",
        "a..b",
        "console.txt",
        "100%.md",
        "a;b",
        "❤️.txt",
        "\u0645\u06cc\u200c\u062e.txt",
    ],
)
def test_a_name_that_onedrive_takes_is_taken(name):
    assert checked_name("name", name) == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        " ",
        ".",
        "..",
        "a/b",
        "a\\b",
        "a:b",
        "a*",
        "a?",
        'a"',
        "a<",
        "a>",
        "a|",
        " a",
        "a ",
        "a.",
        "CON",
        "nul.txt",
        "Com1.docx",
        "lpt9",
        ".lock",
        "Desktop.ini",
        "~$a.docx",
        "x_vti_y",
        "a\tb",
        "a\x7f",
        "a\ud800",
        "photo\u202egpj.exe",
        "a\u2066b",
        "a\U000e0041b",
        "a\u2028b",
        "ä" * 201,
    ],
)
def test_a_name_that_onedrive_refuses_is_refused(name):
    with pytest.raises(ToolError, match="name"):
        checked_name("name", name)


@settings(max_examples=300, deadline=None)
@given(st.text(st.characters(), max_size=40) | st.sampled_from(HOSTILE))
def test_no_text_leads_out_of_a_drive(value):
    try:
        path = place_or_page("item", value, HOSTS).path
    except ToolError:
        return
    steps = path.removesuffix(":").split("/")
    assert path.startswith(("/me/drive/root", "/drives/", "/shares/u!"))
    assert not {".", ".."} & {unquote(step) for step in steps}
    assert path.isascii()
    assert not set(path) & set('?#\\ \r\n"<>|*')
    assert path.count(":") in {0, 2}
