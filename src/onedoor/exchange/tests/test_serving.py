"""The directory's door on the network: who sends or reads slowly, or in crowds, takes nothing from the others."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from contextlib import closing, suppress
from pathlib import Path

import pytest

from onedoor.exchange.directory import lab, main
from onedoor.exchange.directory.authorities import LARGEST
from onedoor.exchange.directory.main import DirectoryServer
from onedoor.kernel.nation import load
from onedoor.kernel.settings import REPOSITORY

ASKED = b"GET /configuration HTTP/1.1\r\n\r\n"
POSTED = b"POST /ocsp HTTP/1.1\r\nContent-Length: %d\r\n\r\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    var = tmp_path_factory.mktemp("var")
    lab.provision(load(REPOSITORY / "nations" / "testland"), var, 9000)
    return var / "directory"


def served(folder: Path, client: Callable[[int], Awaitable[None]], *, large: int = 0, buffered: int = 2**16) -> None:
    """Let *client* ask a directory at its port; return once every connection to it has ended.

    Its answers are *large*r by so many bytes, of which *buffered* may wait here behind who writes them.
    """

    async def serve() -> None:
        server, serving, begun = DirectoryServer(folder), [], asyncio.Event()
        server._signed += bytes(large)

        async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            serving.append(asyncio.current_task())
            begun.set()
            writer.transport.set_write_buffer_limits(buffered)
            await server.serve(reader, writer)

        listening = await asyncio.start_server(one, "127.0.0.1", 0, limit=2**14)
        await client(listening.sockets[0].getsockname()[1])
        await begun.wait()
        listening.close()
        await asyncio.wait_for(asyncio.gather(*filter(None, serving)), 60)

    asyncio.run(serve())


async def asked(port: int, sent: bytes) -> bytes:
    """Return what comes for *sent*; nothing from who closed without reading it."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(sent)
    with closing(writer), suppress(ConnectionResetError):
        return await asyncio.wait_for(reader.read(), 60)
    return b""


@pytest.mark.parametrize("buffered", [2**16, 2**30])
def test_who_reads_nothing_of_its_answer_is_let_go(
    folder: Path, buffered: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(main, "PATIENCE", 0.2)
    deaf = socket.socket()

    async def ask(port: int) -> None:
        deaf.connect(("127.0.0.1", port))
        deaf.sendall(ASKED)

    with closing(deaf):
        served(folder, ask, large=2**25, buffered=buffered)


@pytest.mark.parametrize("begun", [b"GET /conf", POSTED % 100 + b"some of it"])
def test_who_sends_its_question_slowly_is_let_go(folder: Path, begun: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(main, "PATIENCE", 0.2)

    async def ask(port: int) -> None:
        assert await asked(port, begun) == b""

    served(folder, ask)


@pytest.mark.parametrize("head", [POSTED % (LARGEST + 1), b"POST /ocsp HTTP/1.1\r\n\r\n"])
def test_a_question_without_a_length_or_too_long_is_not_answered(folder: Path, head: bytes) -> None:
    async def ask(port: int) -> None:
        assert await asked(port, head + bytes(LARGEST + 1)) == b""
        assert b"200 OK" in await asked(port, POSTED % 0 + ASKED)

    served(folder, ask)


def test_a_crowd_is_turned_away_and_leaves_room_when_it_goes(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(main, "MOST_CONNECTIONS", 2)

    async def ask(port: int) -> None:
        resting = [await asyncio.open_connection("127.0.0.1", port) for _ in range(2)]
        while await asked(port, ASKED):
            pass
        for _, writer in resting:
            writer.close()
        while not await asked(port, ASKED):
            pass

    served(folder, ask)
