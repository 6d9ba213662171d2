"""Mask the credentials that the handshake sent in every text that comes back from the server.

A server that does not know AUTH or HELLO quotes their arguments: ``unknown command 'AUTH', with args beginning with:
'<the password>'``, cut off after 128 bytes. A proxy may echo them in its own words.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from respool._facts.errors import Error, ServerError, TransportError

MASK: Final = "***"

#: A shorter secret is masked only where it is a whole word, because it may be part of an ordinary word.
_LONG: Final = 6
_QUOTED: Final = re.compile(r"(with args beginning with:).*", re.DOTALL)


def masked(text: str, secrets: Iterable[str]) -> str:
    """Return ``text`` with all secrets masked, and with the beginning of a secret that the server has cut off."""
    text = _QUOTED.sub(rf"\1 {MASK}", text)
    forms = sorted({form for secret in secrets if secret for form in _forms(secret)}, key=len, reverse=True)
    for form in forms:  # the longest first: one may be part of another
        whole = rf"(?<!\w){re.escape(form)}(?!\w)" if len(form) < _LONG else re.escape(form)
        text = re.sub(whole, MASK, text)
    for form in forms:
        for length in range(len(form) - 1, _LONG - 1, -1):
            if form[:length] in text:
                text = text.replace(form[:length], MASK)
                break
    return text


def mask_error(error: BaseException | None, secrets: Iterable[str]) -> None:
    """Mask the secrets in an error of respool, in its causes and contexts, and in the server's last error reply."""
    secrets = list(secrets)
    seen: set[int] = set()
    left = [error]
    while left:
        each = left.pop()
        if each is None or id(each) in seen:
            continue
        seen.add(id(each))
        left += [each.__cause__, each.__context__]
        if not isinstance(each, Error):
            continue
        each.args = tuple([masked(part, secrets) if isinstance(part, str) else part for part in each.args])
        if isinstance(each, ServerError):
            each.code, each.message = masked(each.code, secrets), masked(each.message, secrets)
        if isinstance(each, TransportError):
            each.reason = masked(each.reason, secrets)
            left.append(each.last_words)


def _forms(secret: str) -> tuple[str, ...]:
    """Return the ways in which a server may write a secret: an error reply has no line breaks, a log has escapes."""
    escaped = secret.encode("unicode_escape", "replace").decode("ascii")
    hexadecimal = "".join(
        chr(byte) if 32 <= byte < 127 and byte not in b'"\\' else f"\\x{byte:02x}"
        for byte in secret.encode("utf-8", "replace")
    )
    return secret, secret.replace("\r", " ").replace("\n", " "), escaped, hexadecimal
