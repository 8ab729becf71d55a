"""A system that asks another one's service through its own gateway, and fetches the evidence of it.

Run it with who asks and who is asked: python consumer.py M1 M2
"""

import http.client
import json
import ssl
import sys
import uuid
from pathlib import Path

HERE = Path(__file__).parent
LAB = json.loads((HERE / "lab.json").read_text())


def main(asks: str, asked: str) -> None:
    if unknown := {asks, asked} - LAB.keys():
        sys.exit(f"no member here: {', '.join(sorted(unknown))}. Members: {', '.join(LAB)}")
    own, other = LAB[asks], LAB[asked]
    keys = HERE / own["keys"]
    context = ssl.create_default_context(cafile=keys / "tls-trust.pem")
    context.load_cert_chain(keys / "tls.pem", keys / "tls.key")
    gateway = http.client.HTTPSConnection(own["gateway"], context=context, timeout=30)

    message = str(uuid.uuid4())
    headers = {
        "X-Road-Client": own["system"],
        "X-Road-Id": message,
        "X-Road-UserId": "someone",
        "Onedoor-Purpose": "try",
        "Onedoor-Basis": "lab",
        "Content-Type": "text/plain; charset=utf-8",
    }
    gateway.request("POST", f"/r1/{other['system']}/echo/greetings?in=english", "Good morning", headers)
    answer = gateway.getresponse()
    print(answer.status, answer.read().decode(), flush=True)
    if answer.status != http.client.OK:
        sys.exit(1)

    instance, member_class, member, system = own["system"].split("/")
    names = f"xRoadInstance={instance}&memberClass={member_class}&memberCode={member}&subsystemCode={system}"
    for address, name in (
        (f"/asic?queryId={message}&{names}&requestOnly&unique&force", "request.asice"),
        (f"/asic?queryId={message}&{names}&responseOnly&unique&force", "response.asice"),
        ("/verificationconf", "verificationconf.zip"),
    ):
        gateway.request("GET", address)
        evidence = gateway.getresponse()
        found = evidence.read()
        if evidence.status != http.client.OK:
            sys.exit(f"{address}: {evidence.status} {found.decode()}")
        (HERE / name).write_bytes(found)
        print(f"Written: {HERE / name}", flush=True)


if __name__ == "__main__":
    main(*(sys.argv[1:] if len(sys.argv) > 2 else ("M1", "M2")))
