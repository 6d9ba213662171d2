"""Since which version each command and each of its words exists, as the servers' COMMAND and COMMAND DOCS say.

    python tools/command_history.py     ask the servers, and write tools/command_history.json

Versions up to 7.2 of Valkey are those of Redis, from which it was forked. ``varies`` marks commands whose answer
changes although nothing was written, so that nobody may cache it. A test compares the file with the servers.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parents[1]
FILE: Final = ROOT / "tools/command_history.json"

#: What no server here says: the commands of newer releases of Redis, and those of vector sets. From the command
#: reference at redis.io.
NEWER: Final = {
    **dict.fromkeys("VADD VCARD VDIM VEMB VGETATTR VINFO VLINKS VRANDMEMBER VREM VSETATTR VSIM".split(), "8.0.0"),
    "VISMEMBER": "8.2.0",
    "BLMOVEM": "8.10.0",
    "DELEX": "8.4.0",
    "DIGEST": "8.4.0",
    "INCREX": "8.8.0",
    "LMOVEM": "8.10.0",
    "SDIFFCARD": "8.10.0",
    "SUNIONCARD": "8.10.0",
    "XCFGSET": "8.6.0",
    "XNACK": "8.8.0",
}

#: Words of old commands of which no server says that they are newer. From the release notes of Redis 8.2.
NEWER_WORDS: Final = {
    **dict.fromkeys(("XADD", "XTRIM"), dict.fromkeys(("KEEPREF", "DELREF", "ACKED"), "8.2.0")),
    "BITOP": dict.fromkeys(("DIFF", "DIFF1", "ANDOR", "ONE"), "8.2.0"),
}


def told(docs: dict[str, Any], infos: list[Any]) -> dict[str, dict[str, Any]]:
    """Return what a server says: the version, the words with theirs, and whether the answer varies."""
    varying = {name for name, tips in _tips(infos) if "nondeterministic_output" in tips}
    found: dict[str, dict[str, Any]] = {}
    for name, entry in _leaves(docs):
        if "since" in entry:  # modules do not say it
            words = dict(_words(entry.get("arguments", []), entry["since"]))
            newer = {word: since for word, since in NEWER_WORDS.get(name, {}).items() if word in words}
            found[name] = {"since": entry["since"], "words": words | newer}
            if name in varying:
                found[name]["varies"] = True
            if "deprecated_since" in entry:
                found[name]["deprecated"] = entry["deprecated_since"]
    return found


def _leaves(docs: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, entry in docs.items():
        if "subcommands" in entry:
            yield from _leaves(entry["subcommands"])
        else:
            yield name.upper().replace("|", " "), entry


def _words(arguments: list[Any], since: str) -> Iterator[tuple[str, str]]:
    for argument in arguments:
        version = argument.get("since", since)
        if argument.get("token", '""') != '""':
            yield argument["token"].upper(), version
        yield from _words(argument.get("arguments", []), version)


def _tips(infos: list[Any]) -> Iterator[tuple[str, list[str]]]:
    for entry in infos:
        yield entry[0].upper().replace("|", " "), entry[7]
        yield from _tips(entry[9])


def merged(servers: dict[str, dict[str, dict[str, Any]]]) -> dict[str, dict[str, Any]]:
    """Return the facts of all servers by the name of the command, then by server."""
    names = {name for facts in servers.values() for name in facts}
    found = {name: {server: facts[name] for server, facts in servers.items() if name in facts} for name in names}
    found |= {name: {"redis": {"since": since, "words": {}}} for name, since in NEWER.items() if name not in found}
    return dict(sorted(found.items()))


def read() -> dict[str, dict[str, Any]]:
    """Return what the file holds."""
    facts: dict[str, dict[str, Any]] = json.loads(FILE.read_text("utf-8"))
    return facts


def main() -> None:
    sys.path[:0] = [str(ROOT / "src"), str(ROOT / "tests")]
    from newest import redis_8_2
    from respool import Pool
    from respool.testing import Server

    servers = {}
    for name, server in (("valkey", Server()), ("redis", redis_8_2())):
        if server is None:
            sys.exit(f"there is no {name} for this platform")
        with server, Pool(server.url, encoding="utf-8", protocol=3) as pool:
            servers[name] = told(pool.execute("COMMAND", "DOCS"), pool.execute("COMMAND"))
    lines = [f"{json.dumps(name)}: {json.dumps(facts)}" for name, facts in merged(servers).items()]
    FILE.write_text("{\n" + ",\n".join(lines) + "\n}\n", "utf-8")


if __name__ == "__main__":
    main()
