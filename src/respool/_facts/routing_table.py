"""Which nodes of a cluster a command concerns if it is not one alone, and how their replies become one.

Rule 1: a command with keys in one slot needs no line here: it goes to the node that serves the slot. If a command is
        not split by slot, all of its keys must be in one.
Rule 2: every known command without keys has a line, so that where it goes is never by chance. A command that takes
        keys, but is called without any (a script), goes to any primary.
Rule 3: the table follows the tips of the servers' ``COMMAND`` (``request_policy``, ``response_policy``). A test
        compares it with running servers, and gives the reason for each difference.

``ROUTES`` has lines ``where merge | names``. A slash stands for the space before a subcommand.

``slots``      it is split: one command for each slot of its keys.
``primaries``  it goes to all primaries: it concerns all keys, or all that replicas copy.
``nodes``      it goes to all nodes: it concerns what every node has for itself.
``any``        it goes to any primary, because all nodes would answer the same, or because one is enough.
``node``       it is refused unless the caller names the node: the answer is about that node alone.
"""

from __future__ import annotations

from enum import Enum
from typing import Final, NamedTuple

_ROUTES: Final = """
slots order     | MGET
slots same      | MSET
slots sum       | DEL EXISTS TOUCH UNLINK
primaries every | SCRIPT/EXISTS
primaries join  | KEYS
primaries one   | FUNCTION/KILL SCRIPT/KILL
primaries same  | FLUSHALL FLUSHDB FUNCTION/DELETE FUNCTION/FLUSH FUNCTION/LOAD FUNCTION/RESTORE MEMORY/PURGE PING
primaries some  | RANDOMKEY
primaries sum   | DBSIZE
nodes same      | ACL/DELUSER ACL/SAVE ACL/SETUSER COMMANDLOG/RESET CONFIG/RESETSTAT CONFIG/REWRITE CONFIG/SET
nodes same      | SCRIPT/FLUSH SCRIPT/LOAD SLOWLOG/RESET
nodes sum       | COMMANDLOG/LEN LATENCY/RESET SLOWLOG/LEN
any             | ACL/CAT ACL/GENPASS ACL/HELP BACKUP/HELP CLIENT/HELP CLUSTER/HELP CLUSTER/INFO CLUSTER/KEYSLOT
any             | CLUSTER/NODES CLUSTER/REPLICAS CLUSTER/SHARDS CLUSTER/SLAVES CLUSTER/SLOTS COMMAND COMMAND/COUNT
any             | COMMAND/DOCS COMMAND/GETKEYS COMMAND/GETKEYSANDFLAGS COMMAND/HELP COMMAND/INFO COMMAND/LIST
any             | COMMANDLOG/HELP CONFIG/HELP ECHO FUNCTION/DUMP FUNCTION/HELP FUNCTION/LIST HOTKEYS/HELP LATENCY/HELP
any             | LOLWUT MEMORY/HELP MODULE/HELP OBJECT/HELP PUBLISH PUBSUB/HELP SCRIPT/HELP SCRIPT/SHOW SLOWLOG/HELP
any             | TIME XGROUP/HELP XINFO/HELP
node            | ACL ACL/DRYRUN ACL/GETUSER ACL/LIST ACL/LOAD ACL/LOG ACL/USERS ACL/WHOAMI BACKUP BACKUP/SEAL
node            | BACKUP/START BGREWRITEAOF BGSAVE CLIENT/GETNAME CLIENT/GETREDIR CLIENT/ID CLIENT/INFO CLIENT/KILL
node            | CLIENT/LIST CLIENT/PAUSE CLIENT/SETINFO CLIENT/TRACKINGINFO CLIENT/UNBLOCK CLIENT/UNPAUSE CLUSTER
node            | CLUSTER/ADDSLOTS CLUSTER/ADDSLOTSRANGE CLUSTER/BUMPEPOCH CLUSTER/CANCELSLOTMIGRATIONS
node            | CLUSTER/COUNT-FAILURE-REPORTS CLUSTER/COUNTKEYSINSLOT CLUSTER/DELSLOTS CLUSTER/DELSLOTSRANGE
node            | CLUSTER/FAILOVER CLUSTER/FLUSHSLOT CLUSTER/FLUSHSLOTS CLUSTER/FORGET CLUSTER/GETKEYSINSLOT
node            | CLUSTER/GETSLOTMIGRATIONS CLUSTER/LINKS CLUSTER/MEET CLUSTER/MIGRATESLOTS CLUSTER/MIGRATION
node            | CLUSTER/MYID CLUSTER/MYSHARDID CLUSTER/REPLICATE CLUSTER/RESET CLUSTER/SAVECONFIG
node            | CLUSTER/SET-CONFIG-EPOCH CLUSTER/SETSLOT CLUSTER/SLOT-STATS CLUSTER/SYNCSLOTS COMMANDLOG
node            | COMMANDLOG/GET CONFIG CONFIG/GET DEBUG FAILOVER FUNCTION FUNCTION/STATS HOTKEYS HOTKEYS/GET
node            | HOTKEYS/RESET HOTKEYS/START HOTKEYS/STOP INFO LASTSAVE LATENCY LATENCY/DOCTOR LATENCY/GRAPH
node            | LATENCY/HISTOGRAM LATENCY/HISTORY LATENCY/LATEST MEMORY MEMORY/DOCTOR MEMORY/MALLOC-STATS
node            | MEMORY/STATS MODULE MODULE/LIST MODULE/LOAD MODULE/LOADEX MODULE/UNLOAD OBJECT PFSELFTEST PUBSUB
node            | PUBSUB/CHANNELS PUBSUB/NUMPAT PUBSUB/NUMSUB PUBSUB/SHARDCHANNELS PUBSUB/SHARDNUMSUB REPLICAOF ROLE
node            | SAVE SCAN SCRIPT SHUTDOWN SLAVEOF SLOWLOG SLOWLOG/GET SWAPDB WAIT WAITAOF XGROUP XINFO
node            | FT.CONFIG FT.DEBUG FT.DICTADD FT.DICTDEL FT.DICTDUMP FT._LIST TS.MGET TS.MRANGE TS.MREVRANGE
node            | TS.QUERYINDEX TS.QUERYLABELS
"""


class Where(Enum):
    """To which nodes a command goes; the head of this file explains each."""

    SLOTS = "slots"
    PRIMARIES = "primaries"
    NODES = "nodes"
    ANY = "any"
    NODE = "node"


class Merge(Enum):
    """How the replies of several nodes, or of the parts of a split command, become one."""

    #: One value for each key, in the order of the keys.
    ORDER = "order"
    #: All say the same: the first.
    SAME = "same"
    #: Counts are added up.
    SUM = "sum"
    #: Lists are joined.
    JOIN = "join"
    #: Lists of 0 and 1: 1 where all have 1.
    EVERY = "every"
    #: One success is enough.
    ONE = "one"
    #: The first that is not nil.
    SOME = "some"


class Route(NamedTuple):
    """Where a command goes, and how the replies become one if there are several."""

    where: Where
    merge: Merge | None = None


def _build_routes() -> dict[str, Route]:
    routes: dict[str, Route] = {}
    for line in _ROUTES.strip().splitlines():
        head, _, names = line.partition("|")
        where, *merge = head.split()
        route = Route(Where(where), Merge(merge[0]) if merge else None)
        for name in names.split():
            routes[name.replace("/", " ")] = route
    return routes


ROUTES: Final[dict[str, Route]] = _build_routes()
