"""What Python's gql sees of the gateway: queries over HTTP and a socket, and a subscription."""

import asyncio
import os

from gql import Client, gql
from gql.transport.aiohttp import AIOHTTPTransport
from gql.transport.websockets import WebsocketsTransport

URL = os.environ["TIDEMARK_URL"] + "/graphql"
HEADERS = {"authorization": "Bearer " + os.environ["TIDEMARK_TOKEN"]}
QUERY = gql("query Viewer { viewer { user { email } } }")
WATCH = gql("subscription Watch { operationEvents { cursor } }")


async def ask(transport):
    async with Client(transport=transport, fetch_schema_from_transport=False) as session:
        answer = await session.execute(QUERY)
        assert answer["viewer"]["user"]["email"], answer
        return session


async def main():
    await ask(AIOHTTPTransport(url=URL, headers=HEADERS))
    print("ok      gql over HTTP")
    url = URL.replace("http", "ws", 1) + "/ws"
    transport = WebsocketsTransport(
        url=url,
        init_payload=HEADERS,
        subprotocols=[WebsocketsTransport.GRAPHQLWS_SUBPROTOCOL],
    )
    async with Client(transport=transport, fetch_schema_from_transport=False) as session:
        events = session.subscribe(WATCH)
        watching = asyncio.ensure_future(anext(events, None))
        answer = await session.execute(QUERY)
        assert answer["viewer"]["user"]["email"], answer
        watching.cancel()
    print("ok      gql over a socket")


asyncio.run(asyncio.wait_for(main(), 20))
