#!/bin/sh
# The same question by curl: M1 asks M2.
cd "$(dirname "$0")" || exit 1
own() { python3 -c "import json; print(json.load(open('lab.json'))['$1']['$2'])"; }
keys=$(own M1 keys)
curl --silent --show-error --fail-with-body \
  --cert "$keys/tls.pem" --key "$keys/tls.key" --cacert "$keys/tls-trust.pem" \
  -H "X-Road-Client: $(own M1 system)" -H "X-Road-UserId: someone" \
  -H "Onedoor-Purpose: try" -H "Onedoor-Basis: lab" -H "Content-Type: text/plain; charset=utf-8" \
  --data "Good morning" "https://$(own M1 gateway)/r1/$(own M2 system)/echo/greetings?in=english"
