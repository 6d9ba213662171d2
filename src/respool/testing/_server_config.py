"""The configuration file of a test server.

Rule 1: this file knows the directives; ``_server`` knows the process.
Rule 2: the test's own directives come last, and the last line of a directive wins.
Rule 3: a password is written as its hash, so that it needs no quoting and cannot be read in the directory.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias

from respool.testing._ports import HOST

if TYPE_CHECKING:
    from respool.testing._binary import Binary

Setting: TypeAlias = str | int | Sequence[str]


def render_config(
    binary: Binary,
    *,
    port: int,
    directory: str,
    unix_path: str | None,
    tls: tuple[int, str, str] | None,
    username: str | None,
    password: str | None,
    extra: Mapping[str, Setting],
) -> str:
    """Return the text of the configuration file; ``tls`` is port, certificate file and key file."""
    lines = [
        f"bind {HOST}",
        f"port {port}",
        f"dir {quoted(directory)}",
        "daemonize no",
        'save ""',
        "appendonly no",
    ]
    if binary.flavor == "valkey" or binary.version >= (7,):
        lines.append("enable-debug-command yes")  # refused by default since Redis 7, unknown before
    if unix_path is not None:
        lines += [f"unixsocket {quoted(unix_path)}", "unixsocketperm 700"]
    if tls is not None:
        tls_port, cert_file, key_file = tls
        lines += [
            f"tls-port {tls_port}",
            f"tls-cert-file {quoted(cert_file)}",
            f"tls-key-file {quoted(key_file)}",
            f"tls-ca-cert-file {quoted(cert_file)}",
            "tls-auth-clients no",
        ]
    lines += _users(username, password)
    for name, setting in extra.items():
        values = [str(setting)] if isinstance(setting, str | int) else setting
        lines += [f"{name} {value}" if value else f'{name} ""' for value in values]
    return "\n".join(lines) + "\n"


def _users(username: str | None, password: str | None) -> Iterator[str]:
    if password is None:
        return
    digest = hashlib.sha256(password.encode()).hexdigest()
    yield f"user {username or 'default'} reset on #{digest} ~* &* +@all"
    if username not in (None, "default"):
        yield "user default off"


def quoted(value: str) -> str:
    """Quote a value the way ``redis.conf`` reads it."""
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
