"""What one replica has begun another finishes: both are processes with the same ring."""

from contextlib import asynccontextmanager

import httpx2
import pytest
from mcp import Client, MCPError
from mcp.client.streamable_http import streamable_http_client
from mcp.types import ElicitResult, InputRequiredResult

from chaos.fleet import PUBLIC_PORT, new_ring_key
from support.callers import text

ANSWER = ElicitResult(action="accept", content={"colour": "blue"})


@asynccontextmanager
async def client_of(replica, token):
    async def on_question(_context, _params):
        return ANSWER

    headers = {"Authorization": f"Bearer {token.reveal()}", "Host": f"127.0.0.1:{PUBLIC_PORT}"}
    url = f"http://127.0.0.1:{replica.port}/mcp"
    async with (
        httpx2.AsyncClient(headers=headers, timeout=30, trust_env=False) as http,
        Client(
            streamable_http_client(url, http_client=http), elicitation_callback=on_question
        ) as client,
    ):
        yield client


async def asked_at(replica, token):
    async with client_of(replica, token) as client:
        first = await client.session.call_tool("after_a_question", {}, allow_input_required=True)
        assert isinstance(first, InputRequiredResult)
        (question,) = first.input_requests
        return question, first.request_state


async def answered_at(replica, token, question, state):
    async with client_of(replica, token) as client:
        try:
            return await client.session.call_tool(
                "after_a_question", {}, input_responses={question: ANSWER}, request_state=state
            )
        except MCPError as refused:  # inside: the client's task groups would wrap it
            return refused


@pytest.fixture
def stranger(house):
    """A replica with a ring of its own."""
    (replica,) = house.replicas(1, ring=[new_ring_key()])
    yield replica
    house.fleet.stop(replica)


@pytest.mark.promise("P-23")
async def test_a_call_of_several_rounds_goes_on_at_another_replica(house, patient, stranger):
    token = house.world.token("adele")
    question, state = await asked_at(patient[0], token)
    assert text(await answered_at(patient[1], token, question, state)) == "blue"
    assert (await answered_at(stranger, token, question, state)).code == -32602


@pytest.mark.promise("P-23")
async def test_a_list_of_the_graph_server_goes_on_at_another_replica(house):
    token = house.world.token("alex")
    one, other = house.replicas(2, faults=False, kind="graph")
    (stranger,) = house.replicas(1, faults=False, kind="graph", ring=[new_ring_key()])
    seen, asked = [], {"limit": 50}
    for replica in (one, other, one, other):
        async with client_of(replica, token) as client:
            page = (await client.call_tool("mail_search", asked)).structured_content
        seen += [row["id"] for row in page["items"]]
        asked = {"limit": 50, "cursor": page["next"]}
    async with client_of(stranger, token) as client:
        assert (await client.call_tool("mail_search", asked)).is_error
    for replica in (one, other, stranger):
        house.fleet.stop(replica)
    assert len(seen) == len(set(seen)) > 100
