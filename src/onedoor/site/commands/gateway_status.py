"""``onedoor gateway status``: how a gateway is, by its folder and by what it tells who watches it."""

import argparse
import json
import shutil
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from onedoor.exchange import joining, permissions
from onedoor.exchange.gateway import identities, local, published, reading
from onedoor.exchange.gateway.identities import INNER, NEXT, OUTER, SIGNING, TOKEN
from onedoor.kernel.errors import OnedoorError
from onedoor.signing.certificates import fingerprint, load_certificates
from onedoor.site import settings_files
from onedoor.site.messages import gettext_noop
from onedoor.site.messages import text as _
from onedoor.site.up.status import asked, named, told_of
from onedoor.site.up.supervisor import RECORD

NOT_WELL = 1
SOON = timedelta(days=30)
"""Before a certificate ends in which it is to be renewed."""
TIGHT = 2**30
"""Bytes that should be free where the log lies."""
DAY = 86400
STATES = {one: gettext_noop(one) for one in ("ok", "limited", "failing", "no answer", "not watched")}
FIGURES = {
    "onedoor_exchange_links": "links",
    "onedoor_exchange_under_way": "under_way",
    "onedoor_exchange_unstamped": "unstamped",
    "onedoor_exchange_unstamped_seconds": "unstamped_seconds",
    "onedoor_exchange_log_bytes": "log_bytes",
    "onedoor_exchange_log_free_bytes": "log_free_bytes",
    "onedoor_configuration_days_left": "configuration_days_left",
    "onedoor_certificate_days_left": "certificate_days_left",
}


def run(arguments: argparse.Namespace) -> int:
    """Print how it is; return 0 when all is well."""
    url = arguments.where if arguments.where.startswith(("http://", "https://")) else ""
    found: dict[str, Any] = {"process": _process(url, "")} if url else _folder(Path(arguments.where).absolute())
    found["attention"] = list(_attention(found))
    if arguments.json:
        print(json.dumps(found, ensure_ascii=False, indent=1))
    else:
        print("\n".join(_lines(found)))
    return NOT_WELL if found["attention"] else 0


def _folder(folder: Path) -> dict[str, Any]:
    """Return what the gateway's own folder tells, and the process whose settings lie beside it."""
    own, now = joining.file_of(folder), datetime.now(UTC)
    path = settings_files.beside(folder)
    settings = settings_files.read(path) if path.exists() else {}
    watch = settings.get("ONEDOOR_WATCH_LISTEN", "") or _supervised(folder)
    token = settings.get("ONEDOOR_WATCH_TOKEN_FILE", "")
    return {
        "id": own["id"],
        "configuration": _configuration(folder, own["id"], now),
        "certificates": list(_certificates(folder, now)),
        "signing_key": "token" if (folder / f"{SIGNING}{TOKEN}").exists() else "file",
        "grants": _grants(folder, now),
        "log": {"bytes": reading.size(folder / local.LOG), "free_bytes": shutil.disk_usage(folder).free},
        "process": _process(f"http://{watch}", token) if watch else {"status": "not watched"},
    }


def _supervised(folder: Path) -> str:
    """Return where the process of *folder* is watched, when a lab or a nation beside it started it."""
    with suppress(OSError, ValueError, KeyError):
        return str(json.loads((folder.parent / RECORD).read_text())["processes"][folder.name]["watch"])
    return ""


def _configuration(folder: Path, gateway: str, now: datetime) -> dict[str, Any]:
    """Return which configuration the gateway has, how old it is, and whether this gateway stands in it."""
    try:
        found = published.kept(folder, load_certificates(folder / local.ANCHOR), now)
    except FileNotFoundError:
        return {"state": _("none yet")}
    except OnedoorError as refused:
        return {"state": refused.text(_)}
    listed = found.gateways.get(gateway)
    with suppress(FileNotFoundError):
        keys = {fingerprint(load_certificates(one / f"{SIGNING}.pem")[0]) for one in _places(folder)}
        listed = listed if listed and fingerprint(listed.signing) in keys else None
    return {
        "state": "ok",
        "serial": found.serial,
        "age_seconds": round((now - found.generated).total_seconds()),
        "ends": found.expires.isoformat(),
        "listed": listed is not None,
        "gateways": len(found.gateways),
    }


def _places(folder: Path) -> list[Path]:
    return [one for one in (folder, folder / NEXT) if (one / f"{SIGNING}.pem").exists()]


def _certificates(folder: Path, now: datetime) -> Iterator[dict[str, Any]]:
    for place in (folder, folder / NEXT):
        for name in (SIGNING, OUTER, INNER):
            if (path := place / f"{name}.pem").exists():
                ends = load_certificates(path)[0].not_valid_after_utc
                yield {
                    "name": name if place == folder else f"{NEXT} {name}",
                    "ends": ends.isoformat(),
                    "days_left": round((ends - now).total_seconds() / DAY, 1),
                }
            elif place == folder and name != INNER:
                yield {"name": name, "ends": None, "days_left": None}
            elif name != INNER and identities.key_of(place, name):
                yield {"name": f"{NEXT} {name}", "ends": None, "days_left": None}


def _grants(folder: Path, now: datetime) -> int:
    with suppress(FileNotFoundError):
        known = load_certificates(folder / local.SIGNING_CERTIFICATE)
        return sum(one.in_force(now) for one in permissions.read_grants(folder / local.GRANTS, known)[0])
    return 0


def _process(url: str, token_file: str) -> dict[str, Any]:
    """Return what the process at *url* tells who watches: its health, and its figures."""
    try:
        address = urlsplit(url).netloc
        token = Path(token_file).read_text("utf-8").strip() if token_file else ""
        health, text = json.loads(asked(address, token, "/health")), asked(address, token, "/metrics").decode()
    except (OSError, HTTPException, ValueError):
        return {"status": "no answer"}
    depends = health.get("dependencies", {})
    return {
        "status": health["status"] if health["status"] in STATES else "failing",
        "services": {name: one["state"] for name, one in depends.items()},
        "ill": [told_of(name, one) for name, one in depends.items() if one["state"] != "ok"],
        **_figures(text),
    }


def _figures(text: str) -> dict[str, Any]:
    """Return the figures in what Prometheus reads; those that have a label, by it."""
    from prometheus_client.parser import text_string_to_metric_families

    found: dict[str, Any] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            value = int(sample.value) if sample.value.is_integer() else round(sample.value, 1)
            if (name := FIGURES.get(sample.name)) and sample.labels:
                found.setdefault(name, {})[next(iter(sample.labels.values()))] = value
            elif name:
                found[name] = value
    return found


def _attention(found: dict[str, Any]) -> Iterator[str]:
    """Yield what its operator should look at, in words."""
    yield from _of_folder(found)
    process = found["process"]
    if "certificates" not in found:
        yield from _ending(process.get("certificate_days_left", {}))
    free = found.get("log", {}).get("free_bytes", process.get("log_free_bytes", TIGHT))
    if free < TIGHT:
        yield _("Only {mib} MiB are free where the log lies.", mib=round(free / 2**20))
    if process["status"] != "ok":
        state = STATES[process["status"]]
        yield _("The process: {status}", status=_(state))
    yield from process.get("ill", ())


def _of_folder(found: dict[str, Any]) -> Iterator[str]:
    if conf := found.get("configuration"):
        if conf["state"] != "ok":
            yield _("Configuration: {state}", state=conf["state"])
        elif not conf["listed"]:
            yield _("The directory does not list this gateway with its keys. Register it.")
    for one in found.get("certificates", ()):
        if one["days_left"] is None:
            yield _(
                "No certificate yet: {name}. The request is in {folder}.", name=one["name"], folder=joining.REQUESTS
            )
        elif one["days_left"] < SOON.days:
            yield _(
                "The certificate {name} ends on {day}. Ask for the next one.", name=one["name"], day=one["ends"][:10]
            )


def _ending(days_left: dict[str, float]) -> Iterator[str]:
    for name, days in days_left.items():
        if days < SOON.days:
            yield _("The certificate {name} ends in {days} days. Ask for the next one.", name=name, days=days)


def _lines(found: dict[str, Any]) -> Iterator[str]:
    """Yield the same for people."""
    if "id" in found:
        yield from _folder_lines(found)
    process = found["process"]
    state = STATES[process["status"]]
    yield _("Process: {status}", status=_(state))
    if services := process.get("services"):
        yield _(
            "It depends on: {services}",
            services=", ".join(f"{named(one)} {_(STATES[is_])}" for one, is_ in services.items()),
        )
    if "links" in process:
        facts = {"out": process["links"].get("asking", 0), "in_": process["links"].get("providing", 0)}
        facts["under_way"] = sum(process["under_way"].values())
        yield _("Links to other gateways: {out} out, {in_} in; messages under way: {under_way}", **facts)
        facts = {"count": process["unstamped"], "seconds": process["unstamped_seconds"]}
        yield _("Signatures that wait for a time-stamp: {count}, the oldest for {seconds} s", **facts)
    yield from (f"! {one}" for one in found["attention"])


def _folder_lines(found: dict[str, Any]) -> Iterator[str]:
    conf = found["configuration"]
    yield _("Gateway {id}", id=found["id"])
    if conf["state"] == "ok":
        facts = {"age": conf["age_seconds"], "end": conf["ends"][:16], "serial": conf["serial"], "n": conf["gateways"]}
        yield _("Configuration {serial}: {age} s old, in force until {end}, with {n} gateways", **facts)
    for one in found["certificates"]:
        if one["ends"]:
            yield _("Certificate {name}: until {day}", name=one["name"], day=one["ends"][:10])
    kept = _("in a PKCS#11 token") if found["signing_key"] == "token" else _("in a file")
    yield _("Signing key: {kept}. Grants in force: {grants}", kept=kept, grants=found["grants"])
    facts = {"bytes": round(found["log"]["bytes"] / 2**20), "free": round(found["log"]["free_bytes"] / 2**20)}
    yield _("Log: {bytes} MiB; free: {free} MiB", **facts)
