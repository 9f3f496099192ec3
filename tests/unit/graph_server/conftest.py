import pytest

from unit.graph_server.world import OFFERED, World

GROUPS = {
    "mail": "mail people",
    "calendar": "calendar",
    "files": "files",
    "links": "files",
    "chat": "chats",
    "chats": "chats",
    "tasks": "tasks",
    "search": "search",
    "raw": "graph",
    "transport": "people mail calendar",
    "batch": "people",
    "upload": "people",
    "access": "people mail files",
}
"""What the worlds of a test file offer, by its first word: making all tools takes long."""


@pytest.fixture(autouse=True)
def _offered(request):
    name = request.path.stem.removeprefix("test_")
    token = OFFERED.set(GROUPS.get(name.partition("_")[0], ""))
    yield
    OFFERED.reset(token)


@pytest.fixture
def world():
    return World()
