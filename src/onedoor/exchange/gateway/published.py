"""The configuration as the directory serves it, and the copy that a gateway keeps for its next start."""

import asyncio
from pathlib import Path
from urllib.parse import urlsplit

LARGEST_CONFIGURATION = 64 * 2**20


async def fetch(url: str) -> bytes:
    """Return what the directory serves at *url* (plain HTTP: what counts is the signature inside)."""
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port or 80, limit=2**16)
    try:
        writer.write(f"GET {parts.path or '/'} HTTP/1.0\r\nHost: {parts.netloc}\r\n\r\n".encode())
        head = await reader.readuntil(b"\r\n\r\n")
        if b" 200 " not in head.partition(b"\r\n")[0]:
            raise ValueError("the directory did not answer with a configuration")
        body = await reader.read(LARGEST_CONFIGURATION)
        while chunk := await reader.read(LARGEST_CONFIGURATION - len(body)):
            body += chunk
        return body
    finally:
        writer.close()


def keep(path: Path, signed: bytes) -> None:
    """Keep *signed* at *path*, whole or not at all."""
    draft = path.with_name(f".{path.name}.draft")
    draft.write_bytes(signed)
    draft.replace(path)
