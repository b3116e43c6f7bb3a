"""Real servers on the loopback that keep files: WebDAV and SFTP, each with a password."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

USER, PASSWORD = "somebody", "secret word"


@dataclass
class Share:
    """Where it listens and what it keeps; so many further writes as are ``broken`` end in the middle."""

    port: int
    folder: Path
    broken: int = 0


@contextmanager
def webdav(folder: Path, certificate: Path | None = None) -> Iterator[Share]:
    """Serve a folder over WebDAV until the block ends; with a file of key and certificate over TLS."""
    from cheroot import wsgi
    from cheroot.ssl.builtin import BuiltinSSLAdapter
    from wsgidav.wsgidav_app import WsgiDAVApp

    folder.mkdir(exist_ok=True)
    app = WsgiDAVApp(
        {
            "provider_mapping": {"/": str(folder)},
            "simple_dc": {"user_mapping": {"*": {USER: {"password": PASSWORD}}}},
            "http_authenticator": {"accept_basic": True, "accept_digest": False, "default_to_digest": False},
            "logging": {"enable": False},
            "verbose": 0,
        }
    )
    share = Share(0, folder)

    def breaking(environ: dict[str, Any], start: Any) -> Any:
        if environ["REQUEST_METHOD"] == "PUT" and share.broken:
            share.broken -= 1
            # Half of it is written where it was meant to go, as when the disk over there is full.
            raw = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
            (folder / environ["PATH_INFO"].lstrip("/")).write_bytes(raw[: len(raw) // 2])
            start("507 Insufficient Storage", [("Content-Length", "0")])
            return [b""]
        return app(environ, start)

    server = wsgi.Server(("127.0.0.1", 0), breaking, numthreads=2)
    server.shutdown_timeout = 1
    if certificate is not None:
        server.ssl_adapter = BuiltinSSLAdapter(str(certificate), str(certificate))
    server.prepare()
    share.port = server.bind_addr[1]
    thread = threading.Thread(target=server.serve, daemon=True)
    thread.start()
    try:
        yield share
    finally:
        server.stop()
        thread.join()


@contextmanager
def sftp(folder: Path, known_hosts: Path) -> Iterator[Share]:
    """Serve a folder over SFTP until the block ends, and write its host key where clients look for it."""
    import asyncssh

    logging.getLogger("asyncssh").setLevel(logging.CRITICAL)
    folder.mkdir(exist_ok=True)
    key = asyncssh.generate_private_key("ssh-ed25519")
    share = Share(0, folder)

    class Server(asyncssh.SSHServer):
        def begin_auth(self, username: str) -> bool:
            return True

        def password_auth_supported(self) -> bool:
            return True

        def validate_password(self, username: str, password: str) -> bool:
            return (username, password) == (USER, PASSWORD)

    class Files(asyncssh.SFTPServer):
        def __init__(self, channel: Any) -> None:
            super().__init__(channel, chroot=str(folder).encode())

        def write(self, file: Any, offset: int, data: bytes) -> Any:
            if share.broken:
                share.broken -= 1
                super().write(file, offset, data[: len(data) // 2])
                raise asyncssh.SFTPFailure("no room")
            return super().write(file, offset, data)

    started, loop = threading.Event(), asyncio.new_event_loop()
    servers: list[Any] = []

    async def start() -> None:
        servers.append(
            await asyncssh.create_server(
                Server, "127.0.0.1", 0, server_host_keys=[key], sftp_factory=Files, process_factory=None
            )
        )
        share.port = servers[0].get_port()
        started.set()

    def serve() -> None:
        asyncio.set_event_loop(loop)
        loop.run_until_complete(start())
        loop.run_forever()

    async def stop() -> None:
        servers[0].close()
        await servers[0].wait_closed()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    started.wait(20)
    known_hosts.parent.mkdir(parents=True, exist_ok=True)
    public = key.export_public_key("openssh").decode().strip()
    known_hosts.write_text(f"[127.0.0.1]:{share.port} {public}\n")
    try:
        yield share
    finally:
        asyncio.run_coroutine_threadsafe(stop(), loop).result(20)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
