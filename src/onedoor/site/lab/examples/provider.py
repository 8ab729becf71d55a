"""A system that offers a service to others: it answers its own gateway, over mutual TLS, and nobody else.

Run it with the name of its member: python provider.py M2
"""

import json
import ssl
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

HERE = Path(__file__).parent
LAB = json.loads((HERE / "lab.json").read_text())


class Echo(BaseHTTPRequestHandler):
    """Answers every request with what came: who asked, for what purpose, which path and body."""

    protocol_version = "HTTP/1.1"

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        told = {
            "method": self.command,
            "path": self.path,
            "asked_by": self.headers["X-Road-Client"],
            "message": self.headers["X-Road-Id"],
            "purpose": self.headers["Onedoor-Purpose"],
            "body": body.decode("utf-8", "replace"),
        }
        answer = json.dumps(told, indent=1).encode() + b"\n"
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer


def main(member: str) -> None:
    own = LAB[member]
    keys = HERE / own["keys"]
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(keys / "tls.pem", keys / "tls.key")
    context.load_verify_locations(keys / "tls-trust.pem")  # the authority of the member's own gateway
    context.verify_mode = ssl.CERT_REQUIRED
    host, _, port = own["service"].rpartition(":")
    server = ThreadingHTTPServer((host, int(port)), Echo)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    print(f"{own['system']} answers its gateway at https://{own['service']}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "M2")
