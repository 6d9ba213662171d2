"""The slot of a key: which part of a cluster has it.

Rule 1: the slot is the CRC16 (XMODEM) of the key, modulo the number of slots.
Rule 2: of a key with a hash tag only the tag counts: what is between the first ``{`` and the first ``}`` behind it,
        unless nothing is. So users can put several keys into one slot.
Rule 3: a key has the slot of exactly the bytes that are sent for it, whatever its type.

Source of the facts: the cluster specification at valkey.io/topics/cluster-spec.
"""

from __future__ import annotations

from binascii import crc_hqx
from collections.abc import Callable
from typing import Any, Final

from respool._facts.encoding import encoded

SLOTS: Final = 16384
#: That of CRC16 (XMODEM).
_POLYNOMIAL: Final = 0x1021
#: As a number: looking for a byte takes a tenth of the time that looking for bytes takes.
_BRACE: Final = ord("{")


def slot_of(key: Any) -> int:
    """Return the slot of a key whose text is sent as UTF-8.

    Raises TypeError or UnicodeError, as the packer does, for a key that cannot be sent.
    """
    if type(key) is str:
        key = key.encode()
    elif type(key) is not bytes:
        key = encoded(key)
    if _BRACE in key:
        key = _tag(key)
    return crc_hqx(key, 0) % SLOTS


def make_slot_of(encoding: str | None) -> Callable[[Any], int]:
    """Return the function that gives the slots of the keys of a pool with this encoding."""
    if encoding is None or encoding.lower().replace("_", "-") in ("utf-8", "utf8"):
        return slot_of

    def slot_in_encoding(key: Any) -> int:
        return slot_of(str.encode(key, encoding) if isinstance(key, str) else key)

    return slot_in_encoding


def key_of(slot: int) -> bytes:
    """Return a key with this slot: the two bytes whose CRC it is, found by computing the CRC backwards."""
    crc = slot
    for _ in range(16):
        crc = (crc ^ _POLYNOMIAL) >> 1 | 0x8000 if crc & 1 else crc >> 1
    return crc.to_bytes(2)


def _tag(key: bytes) -> bytes:
    """Return the hash tag of a key, or the whole key if it has none."""
    begin = key.index(b"{") + 1
    end = key.find(b"}", begin)
    return key[begin:end] if end > begin else key
