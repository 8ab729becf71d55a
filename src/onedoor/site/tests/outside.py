"""A certification authority and a gateway outside the lab: what an agency's integrator has, for the tests."""

import io
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread

from onedoor.exchange.connections import Connections, Request, Response
from onedoor.exchange.tests.nation import Place, free_base
from onedoor.site.cli import FAILED, run
from onedoor.site.lab import invented

QUICK = "from onedoor.exchange.gateway import main; main.REFRESH = 0.3"
"""Gateways look at the directory so often that a test need not wait a minute."""
SIGNS = "keyUsage=critical,nonRepudiation\n"
SHOWS = "keyUsage=critical,digitalSignature,keyAgreement\nextendedKeyUsage=clientAuth,serverAuth\n"
STAMPS = "keyUsage=critical,digitalSignature\nextendedKeyUsage=critical,timeStamping\n"
TELLS_STATUS = "keyUsage=critical,digitalSignature\nextendedKeyUsage=OCSPSigning\n"
STAMPING = """[tsa]
default_tsa = own
[own]
serial = {folder}/serial
signer_cert = {folder}/tsa.pem
signer_key = {folder}/tsa.key
signer_digest = sha256
default_policy = 1.3.6.1.4.1.99999.2
digests = sha256, sha384, sha512
ordering = yes
tsa_name = yes
ess_cert_id_alg = sha256
"""
"""What ``openssl ts -reply`` is told (its man page, section CONFIGURATION FILE OPTIONS)."""
NEW = "XL/ORG/M9"
COMMAND = "from onedoor.site.cli import main; main()"


class Authority:
    """An authority that openssl plays: with an RSA key, as those that X-Road's members use have."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        self.certificate = folder / "ca.pem"
        extensions = ("-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign")
        openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", folder / "ca.key", "-out", self.certificate,
                "-days", 3650, "-subj", "/CN=Outside CA", *extensions)  # fmt: skip

    def issue(self, request: Path, usage: str, days: int = 365) -> Path:
        (self.folder / "usage").write_text(f"basicConstraints=critical,CA:FALSE\n{usage}")
        out = self.folder / f"{request.stem}-{len(list(self.folder.iterdir()))}.pem"
        openssl("x509", "-req", "-in", request, "-CA", self.certificate, "-CAkey", self.folder / "ca.key",
                "-CAcreateserial", "-days", days, "-extfile", self.folder / "usage", "-out", out)  # fmt: skip
        _, _, serial = openssl("x509", "-in", out, "-noout", "-serial").strip().partition("=")
        with (self.folder / "index").open("a") as index:
            index.write(f"V\t491231235959Z\t\t{serial}\tunknown\t/CN={out.stem}\n")
        return out

    def identity(self, name: str, usage: str) -> Path:
        """Make a key that this authority certifies for a *usage*; return the certificate, its key beside it."""
        request, out = self.folder / f"{name}.csr", self.folder / f"{name}.pem"
        openssl("req", "-new", "-newkey", "rsa:2048", "-nodes", "-keyout", out.with_suffix(".key"), "-out", request,
                "-subj", f"/CN=Outside {name}")  # fmt: skip
        return self.issue(request, usage).rename(out)

    def stamped(self, asked: Path, told: Path) -> None:
        """Write the time-stamp that ``openssl ts`` gives for the request in *asked*."""
        openssl("ts", "-reply", "-config", self.folder / "tsa.cnf", "-queryfile", asked, "-out", told)

    def status(self, asked: Path, told: Path) -> None:
        """Write what ``openssl ocsp`` says to the question in *asked*."""
        own = ("-index", self.folder / "index", "-CA", self.certificate, "-rsigner", self.folder / "ocsp.pem",
               "-rkey", self.folder / "ocsp.key", "-ndays", 1)  # fmt: skip
        openssl("ocsp", *own, "-reqin", asked, "-respout", told)

    @contextmanager
    def serving(self) -> Iterator[str]:
        """Answer for time-stamps at ``/tsr`` and for the status of certificates at ``/ocsp`` of the address given."""
        self.identity("tsa", STAMPS)
        self.identity("ocsp", TELLS_STATUS)
        (self.folder / "tsa.cnf").write_text(STAMPING.format(folder=self.folder))
        (self.folder / "serial").write_text("01\n")
        server = Served(self)
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
            server.server_close()


class Served(ThreadingHTTPServer):
    """The doors of *authority* over HTTP."""

    def __init__(self, authority: Authority) -> None:
        super().__init__(("127.0.0.1", 0), Asked)
        self.doors = {
            "/tsr": ("application/timestamp-query", "application/timestamp-reply", authority.stamped),
            "/ocsp": ("application/ocsp-request", "application/ocsp-response", authority.status),
        }


class Asked(BaseHTTPRequestHandler):
    """One question, answered by openssl."""

    server: Served

    def do_POST(self) -> None:
        wanted, kind, answer = self.server.doors[self.path]
        assert self.headers["Content-Type"] == wanted
        with TemporaryDirectory() as folder:
            asked, told = Path(folder) / "asked", Path(folder) / "told"
            asked.write_bytes(self.rfile.read(int(self.headers["Content-Length"])))
            answer(asked, told)
            body = told.read_bytes()
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None: ...


def openssl(*words: object) -> str:
    done = subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True, text=True)
    return done.stdout


def exchange(folder: Path) -> Place:
    """Return a lab of two members that nobody has started."""
    invented.prepare(folder / "nation", 2)
    return Place(folder, free_base(), before=QUICK, name=str(folder / "nation"))


@contextmanager
def running(folder: Path, before: str = "", more: Mapping[str, str] | None = None) -> Iterator[subprocess.Popen[bytes]]:
    """Run the gateway in *folder* by the command that its operator types."""
    with folder.with_name("run.out").open("ab") as out:
        own = {**os.environ, **(more or {})}
        process = subprocess.Popen(
            [sys.executable, "-c", f"{before}\n{COMMAND}", "gateway", "run", str(folder)],
            env=own,
            stdout=out,
            stderr=out,
        )
    try:
        yield process
    finally:
        process.terminate()
        process.wait(20)


def ask(folder: Path, listen: str, target: str, **headers: str) -> Response:
    """Ask through the gateway in *folder* as its system SYSTEM."""
    keys = folder / "systems" / "SYSTEM"
    client = Connections(f"https://{listen}", keys / "tls.pem", keys / "tls.key", keys / "tls-trust.pem")
    sent = {"X-Road-Client": f"{NEW}/SYSTEM", "Onedoor-Purpose": "try", "Onedoor-Basis": "lab"} | headers
    try:
        found = client.exchange([Request("GET", target, sent, b"")], 10)[0]
    finally:
        client.close()
    if isinstance(found, Exception):
        raise found
    return found


def says(*words: object, code: int = 0) -> str:
    """Run a command as its operator does; return what it says, of an error the sentence."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        left = run([*map(str, words), "--language", "en"])
    assert left == code, out.getvalue() + err.getvalue()
    return err.getvalue() if code == FAILED else out.getvalue()


def begin(place: Place, folder: Path, *more: object) -> str:
    """Make the gateway of a ninth member in *folder*."""
    return says(
        "gateway", "init", folder, "--member", NEW, "--name", "Ninth", "--server-code", "GATEWAY",
        "--address", f"127.0.0.1:{place.base + 209}", "--anchor", place.layout.directory / "signing.pem",
        "--directory", f"http://{place.layout.directory_address}/configuration", "--system", "SYSTEM=Ninth system",
        "--listen", f"127.0.0.1:{place.base + 109}", "--watch", f"127.0.0.1:{place.base + 459}", *more,
    )  # fmt: skip


def registered(folder: Path) -> Path:
    """Return the registration of the gateway in *folder*."""
    out = folder.with_name("registration.json")
    says("gateway", "register", folder, "--out", out)
    return out
