"""What a node is within its pool, as far as its connections must know it.

Rule 1: a pool sets this, never a user: it is a field of ``Options``, but no option.
Rule 2: it holds for every connection of the node, and again after each reset and each reconnect (P-18).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

#: What a node can be asked to be.
Role: TypeAlias = Literal["primary", "replica"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What a pool tells the connections of one node about this node."""

    #: Whether it is a replica of a cluster, which serves reads only after READONLY.
    readonly: bool = False
    #: The host name for TLS (SNI and the check of the certificate) of a node that is dialed by its IP address.
    tls_name: str | None = None
    #: Whether it is a node of a cluster: it redirects by slot (MOVED), never by role (REDIRECT).
    in_cluster: bool = False
    #: The role without which it is of no use; None if any role will do.
    expects: Role | None = None
