"""What sentinels of Valkey 9.1 and Redis 7.0 answered and published, three of them with a primary and two replicas.

The texts are as they came. The long maps of RESP2 are written as dictionaries here; ``flat`` turns them back.
"""

from __future__ import annotations

from typing import Any, Final

from respool._facts.errors import server_error

ASKED: Final = ("127.0.0.1", 17057)
IDS: Final = ("9401fc0fd02bf59d001b9e5ca964789bb7ee018d", "406d8b991dca3a3aeba5615b2d77d7ac2b9ec44e")
OWN_ID: Final = "5a68417d52f1f6d8082c5ab6b10503be7b5b035e"

MASTER: Final = {
    "name": "primary",
    "ip": "127.0.0.1",
    "port": "17054",
    "runid": "6d5ce430de587239767af9dd3a1ffe17d91aecf8",
    "flags": "master",
    "link-pending-commands": "0",
    "link-refcount": "1",
    "last-ping-sent": "0",
    "last-ok-ping-reply": "198",
    "last-ping-reply": "198",
    "down-after-milliseconds": "1000",
    "info-refresh": "196",
    "role-reported": "master",
    "role-reported-time": "231",
    "config-epoch": "0",
    "num-slaves": "2",
    "num-other-sentinels": "2",
    "quorum": "2",
    "failover-timeout": "3000",
    "parallel-syncs": "1",
}
#: The leader of a failover, after the promotion and a second before it publishes +switch-master.
MASTER_OF_THE_LEADER: Final = MASTER | {
    "flags": "master,failover_in_progress,force_failover",
    "config-epoch": "1",
}
REPLICA: Final = {
    "name": "127.0.0.1:17056",
    "ip": "127.0.0.1",
    "port": "17056",
    "runid": "718f99cc7222f6d9edd11f46b1b1344a27db8714",
    "flags": "slave",
    "link-pending-commands": "0",
    "link-refcount": "1",
    "last-ping-sent": "0",
    "last-ok-ping-reply": "114",
    "last-ping-reply": "114",
    "down-after-milliseconds": "1000",
    "info-refresh": "114",
    "role-reported": "slave",
    "role-reported-time": "198",
    "master-link-down-time": "0",
    "master-link-status": "ok",
    "master-host": "127.0.0.1",
    "master-port": "17054",
    "slave-priority": "100",
    "slave-repl-offset": "14",
    "replica-announced": "1",
}
OTHER: Final = {
    "name": IDS[0],
    "ip": "127.0.0.1",
    "port": "17059",
    "runid": IDS[0],
    "flags": "sentinel,disconnected",
    "link-pending-commands": "0",
    "link-refcount": "1",
    "last-ping-sent": "9",
    "last-ok-ping-reply": "9",
    "last-ping-reply": "9",
    "down-after-milliseconds": "1000",
    "last-hello-message": "8",
    "voted-leader": "?",
    "voted-leader-epoch": "0",
}
NO_SUCH_NAME: Final = server_error("ERR No such master with that name")

SECOND: Final = {"name": "127.0.0.1:17055", "port": "17055"}
REPLIES: Final[list[Any]] = [
    MASTER,
    ["127.0.0.1", "17054"],
    [REPLICA, REPLICA | SECOND],
    [OTHER, OTHER | {"name": IDS[1], "runid": IDS[1], "port": "17058", "flags": "sentinel"}],
    OWN_ID,
]

#: All that the other sentinels published of a failover, and then of its leader.
FAILOVER: Final = [
    ("+new-epoch", "1"),
    ("+config-update-from", f"sentinel {OWN_ID} 127.0.0.1 17057 @ primary 127.0.0.1 17054"),
    ("+switch-master", "primary 127.0.0.1 17054 127.0.0.1 17055"),
    ("+slave", "slave 127.0.0.1:17056 127.0.0.1 17056 @ primary 127.0.0.1 17055"),
    ("+slave", "slave 127.0.0.1:17054 127.0.0.1 17054 @ primary 127.0.0.1 17055"),
    ("-role-change", "slave 127.0.0.1:17054 127.0.0.1 17054 @ primary 127.0.0.1 17055 new reported role is master"),
    ("+convert-to-slave", "slave 127.0.0.1:17054 127.0.0.1 17054 @ primary 127.0.0.1 17055"),
]
REPLICA_DOWN: Final = ("+sdown", "slave 127.0.0.1:17056 127.0.0.1 17056 @ primary 127.0.0.1 17054")
REPLICA_UP: Final = ("-sdown", "slave 127.0.0.1:17056 127.0.0.1 17056 @ primary 127.0.0.1 17054")
PRIMARY_DOWN: Final = ("+sdown", "master primary 127.0.0.1 17054")
SENTINEL_DOWN: Final = ("+sdown", f"sentinel {IDS[0]} 127.0.0.1 17059 @ primary 127.0.0.1 17054")
NEW_SENTINEL: Final = ("+sentinel", f"sentinel {IDS[1]} 127.0.0.1 17058 @ primary 127.0.0.1 17054")
RESET: Final = ("+reset-master", "master primary 127.0.0.1 17054")
REMOVED: Final = ("-monitor", "master primary 127.0.0.1 17054")
MONITORED: Final = ("+monitor", "master primary 127.0.0.1 17054 quorum 2")


def flat(reply: Any, kind: type = str) -> Any:
    """Return a reply as RESP2 has it: maps as flat lists, and text as ``kind``: str or bytes."""
    match reply:
        case dict():
            return [flat(word, kind) for pair in reply.items() for word in pair]
        case list():
            return [flat(each, kind) for each in reply]
        case str() if kind is bytes:
            return reply.encode()
    return reply
