"""The facts about every command name, as the servers' ``COMMAND`` reports them (Valkey 9.1, Redis 7 and 8.2).

A test compares this table with running servers; nothing here is derived at run time. The names of Redis 8.4 to 8.10
are from its command reference.

``KEYS`` has lines ``access key-rule | names``. Access ``read`` means: sending it twice does no harm. A key rule is
``first[:last[:step]]`` (a negative last counts from the end), ``#n[:step]`` for "argument n counts the keys that
follow it", ``STORE:n`` for "the key behind that word, at n or later", ``STREAMS`` for XREAD's form, ``KEYS`` for
MIGRATE's; rules are joined by ``+``. A slash stands for the space before a subcommand.
"""

from __future__ import annotations

from typing import Final

KEYS: Final = """
read          | ACL/CAT ACL/DRYRUN ACL/GENPASS ACL/GETUSER ACL/HELP ACL/LIST ACL/USERS ACL/WHOAMI BACKUP/HELP
read          | CLIENT/GETNAME CLIENT/GETREDIR CLIENT/HELP CLIENT/ID CLIENT/INFO CLIENT/LIST CLIENT/TRACKINGINFO
read          | CLUSTER/COUNT-FAILURE-REPORTS CLUSTER/COUNTKEYSINSLOT CLUSTER/GETKEYSINSLOT CLUSTER/GETSLOTMIGRATIONS
read          | CLUSTER/HELP CLUSTER/INFO CLUSTER/KEYSLOT CLUSTER/LINKS CLUSTER/MYID CLUSTER/MYSHARDID CLUSTER/NODES
read          | CLUSTER/REPLICAS CLUSTER/SHARDS CLUSTER/SLAVES CLUSTER/SLOT-STATS CLUSTER/SLOTS COMMAND COMMAND/COUNT
read          | COMMAND/DOCS COMMAND/GETKEYS COMMAND/GETKEYSANDFLAGS COMMAND/HELP COMMAND/INFO COMMAND/LIST
read          | COMMANDLOG/GET COMMANDLOG/HELP COMMANDLOG/LEN CONFIG/GET CONFIG/HELP DBSIZE ECHO FUNCTION/DUMP
read          | FUNCTION/HELP FUNCTION/LIST FUNCTION/STATS HOTKEYS/GET HOTKEYS/HELP INFO KEYS LASTSAVE LATENCY/DOCTOR
read          | LATENCY/GRAPH LATENCY/HELP LATENCY/HISTOGRAM LATENCY/HISTORY LATENCY/LATEST LOLWUT MEMORY/DOCTOR
read          | MEMORY/HELP MEMORY/MALLOC-STATS MEMORY/STATS MODULE/HELP MODULE/LIST OBJECT/HELP PING PUBSUB/CHANNELS
read          | PUBSUB/HELP PUBSUB/NUMPAT PUBSUB/NUMSUB PUBSUB/SHARDCHANNELS PUBSUB/SHARDNUMSUB RANDOMKEY ROLE SCAN
read          | SCRIPT/EXISTS SCRIPT/HELP SCRIPT/SHOW SLOWLOG/GET SLOWLOG/HELP SLOWLOG/LEN TIME XGROUP/HELP XINFO/HELP
read #1       | SDIFFCARD SINTERCARD SUNIONCARD ZDIFF ZINTER ZINTERCARD ZUNION
read #2       | EVALSHA_RO EVAL_RO FCALL_RO
read 1        | ARCOUNT ARGET ARGETRANGE ARGREP ARINFO ARLASTITEMS ARLEN ARMGET ARNEXT AROP ARSCAN BITCOUNT BITFIELD_RO
read 1        | BITPOS CLUSTERSCAN DIGEST DUMP EXPIRETIME GEODIST GEOHASH GEOPOS GEORADIUSBYMEMBER_RO GEORADIUS_RO
read 1        | GEOSEARCH GET GETBIT GETRANGE HEXISTS HEXPIRETIME HGET HGETALL HKEYS HLEN HMGET HPEXPIRETIME HPTTL
read 1        | HRANDFIELD HSCAN HSTRLEN HTTL HVALS LINDEX LLEN LPOS LRANGE PEXPIRETIME PTTL SCARD SISMEMBER SMEMBERS
read 1        | SMISMEMBER SORT_RO SRANDMEMBER SSCAN STRLEN SUBSTR TTL TYPE VCARD VDIM VEMB VGETATTR VINFO VISMEMBER
read 1        | VLINKS VRANDMEMBER VRANGE VSIM XLEN XPENDING XRANGE XREVRANGE ZCARD ZCOUNT ZLEXCOUNT ZMSCORE
read 1        | ZRANDMEMBER ZRANGE ZRANGEBYLEX ZRANGEBYSCORE ZRANK ZREVRANGE ZREVRANGEBYLEX ZREVRANGEBYSCORE ZREVRANK
read 1        | ZSCAN ZSCORE
read 1:-1     | EXISTS MGET PFCOUNT SDIFF SINTER SUNION TOUCH
read 1:2      | LCS
read 2        | MEMORY/USAGE OBJECT/ENCODING OBJECT/FREQ OBJECT/IDLETIME OBJECT/REFCOUNT XINFO/CONSUMERS XINFO/GROUPS
read 2        | XINFO/STREAM
read STREAMS  | XREAD
write         | ACL ACL/DELUSER ACL/LOAD ACL/LOG ACL/SAVE ACL/SETUSER ASKING AUTH BACKUP BACKUP/SEAL BACKUP/START
write         | BGREWRITEAOF BGSAVE CLIENT CLIENT/CACHING CLIENT/CAPA CLIENT/IMPORT-SOURCE CLIENT/KILL CLIENT/NO-EVICT
write         | CLIENT/NO-TOUCH CLIENT/PAUSE CLIENT/REPLY CLIENT/SETINFO CLIENT/SETNAME CLIENT/TRACKING CLIENT/UNBLOCK
write         | CLIENT/UNPAUSE CLUSTER CLUSTER/ADDSLOTS CLUSTER/ADDSLOTSRANGE CLUSTER/BUMPEPOCH
write         | CLUSTER/CANCELSLOTMIGRATIONS CLUSTER/DELSLOTS CLUSTER/DELSLOTSRANGE CLUSTER/FAILOVER CLUSTER/FLUSHSLOT
write         | CLUSTER/FLUSHSLOTS CLUSTER/FORGET CLUSTER/MEET CLUSTER/MIGRATESLOTS CLUSTER/MIGRATION CLUSTER/REPLICATE
write         | CLUSTER/RESET CLUSTER/SAVECONFIG CLUSTER/SET-CONFIG-EPOCH CLUSTER/SETSLOT CLUSTER/SYNCSLOTS COMMANDLOG
write         | COMMANDLOG/RESET CONFIG CONFIG/RESETSTAT CONFIG/REWRITE CONFIG/SET DEBUG DISCARD EXEC FAILOVER FLUSHALL
write         | FLUSHDB FUNCTION FUNCTION/DELETE FUNCTION/FLUSH FUNCTION/KILL FUNCTION/LOAD FUNCTION/RESTORE HELLO
write         | HIMPORT HIMPORT/DISCARD HIMPORT/DISCARDALL HIMPORT/PREPARE HOTKEYS HOTKEYS/RESET HOTKEYS/START
write         | HOTKEYS/STOP LATENCY LATENCY/RESET MEMORY MEMORY/PURGE MODULE MODULE/LOAD MODULE/LOADEX MODULE/UNLOAD
write         | MONITOR MULTI OBJECT PFSELFTEST PSUBSCRIBE PSYNC PUBLISH PUBSUB PUNSUBSCRIBE QUIT READONLY READWRITE
write         | REPLCONF REPLICAOF RESET SAVE SCRIPT SCRIPT/DEBUG SCRIPT/FLUSH SCRIPT/KILL SCRIPT/LOAD SELECT SHUTDOWN
write         | SLAVEOF SLOWLOG SLOWLOG/RESET SUBSCRIBE SWAPDB SYNC UNSUBSCRIBE UNWATCH WAIT WAITAOF XGROUP XINFO
write #1      | LMPOP ZMPOP
write #1:2    | MSETEX
write #2      | BLMPOP BZMPOP EVAL EVALSHA FCALL
write 1       | APPEND ARDEL ARDELRANGE ARINSERT ARMSET ARRING ARSEEK ARSET BITFIELD DECR DECRBY DELEX DELIFEQ EXPIRE
write 1       | EXPIREAT GEOADD GETDEL GETEX GETSET HDEL HEXPIRE HEXPIREAT HGETDEL HGETEX
write 1       | HINCRBY HINCRBYFLOAT HMSET HPERSIST HPEXPIRE HPEXPIREAT HSET HSETEX HSETNX INCR INCRBY INCRBYFLOAT
write 1       | INCREX LINSERT LPOP LPUSH LPUSHX LREM LSET LTRIM MOVE PERSIST PEXPIRE PEXPIREAT PFADD PSETEX RESTORE
write 1       | RESTORE-ASKING RPOP RPUSH RPUSHX SADD SET SETBIT SETEX SETNX SETRANGE SPOP SPUBLISH SREM VADD VREM
write 1       | VSETATTR XACK XACKDEL XADD XAUTOCLAIM XCFGSET XCLAIM XDEL XDELEX XNACK XSETID XTRIM ZADD ZINCRBY
write 1       | ZPOPMAX ZPOPMIN ZREM ZREMRANGEBYLEX ZREMRANGEBYRANK ZREMRANGEBYSCORE
write 1+STORE:2 | SORT
write 1+STORE:5 | GEORADIUSBYMEMBER
write 1+STORE:6 | GEORADIUS
write 1+#2    | ZDIFFSTORE ZINTERSTORE ZUNIONSTORE
write 1:-1    | DEL PFMERGE SDIFFSTORE SINTERSTORE SSUBSCRIBE SUNIONSTORE SUNSUBSCRIBE UNLINK WATCH
write 1:-1:2  | MSET MSETNX
write 1:-2    | BLPOP BRPOP BZPOPMAX BZPOPMIN
write 1:2     | BLMOVE BLMOVEM BRPOPLPUSH COPY GEOSEARCHSTORE LMOVE LMOVEM RENAME RENAMENX RPOPLPUSH SMOVE ZRANGESTORE
write 2       | HIMPORT/SET PFDEBUG XGROUP/CREATE XGROUP/CREATECONSUMER XGROUP/DELCONSUMER XGROUP/DESTROY XGROUP/SETID
write 2:-1    | BITOP
write KEYS    | MIGRATE
write STREAMS | XREADGROUP
"""

#: Names whose second word is part of the name.
CONTAINERS: Final = frozenset(
    "ACL BACKUP CLIENT CLUSTER COMMAND COMMANDLOG CONFIG FUNCTION HIMPORT HOTKEYS LATENCY MEMORY MODULE OBJECT PUBSUB "
    "SCRIPT SLOWLOG XGROUP XINFO".split()
)

#: Where the server-side timeout of a blocking command is, and its unit: its index, or ``BLOCK`` and from which index on
#: to look for that word.
BLOCKING: Final = {
    "BLMOVE": "-1 s",
    "BLMOVEM": "5 s",
    "BLMPOP": "1 s",
    "BLPOP": "-1 s",
    "BRPOP": "-1 s",
    "BRPOPLPUSH": "-1 s",
    "BZMPOP": "1 s",
    "BZPOPMAX": "-1 s",
    "BZPOPMIN": "-1 s",
    "WAIT": "2 ms",
    "WAITAOF": "3 ms",
    "XREAD": "BLOCK:1 ms",
    "XREADGROUP": "BLOCK:1 ms",
}

#: Commands that run users' code, which can answer with any error. So can the commands of modules.
RUNS_CODE: Final = frozenset("EVAL EVALSHA EVALSHA_RO EVAL_RO FCALL FCALL_RO".split())

#: Commands whose reply is binary by nature: it stays bytes for everyone.
BLOBS: Final = frozenset(("DUMP", "FUNCTION DUMP"))

#: What a command does to the state of its connection (``session`` records it).
EFFECTS: Final = {
    "ASKING": "stain",
    "AUTH": "stain",
    "CLIENT": "spoil",  # an unknown subcommand
    "CLIENT CACHING": "stain",
    "CLIENT CAPA": "spoil",
    "CLIENT IMPORT-SOURCE": "spoil",
    "CLIENT NO-EVICT": "spoil",
    "CLIENT NO-TOUCH": "stain",
    "CLIENT REPLY": "stain",
    "CLIENT SETNAME": "stain",
    "CLIENT TRACKING": "stain",
    "DISCARD": "end",
    "EXEC": "end",
    "HELLO": "stain",
    "HIMPORT": "stain",
    "HIMPORT DISCARD": "stain",
    "HIMPORT DISCARDALL": "stain",
    "HIMPORT PREPARE": "stain",
    "HIMPORT SET": "stain",  # it needs a fieldset that was prepared on its connection
    "MONITOR": "stain",
    "MULTI": "multi",
    "PSUBSCRIBE": "stain",
    "PSYNC": "stain",
    "PUNSUBSCRIBE": "stain",
    "QUIT": "stain",
    "READONLY": "stain",
    "READWRITE": "stain",
    "REPLCONF": "spoil",
    "RESET": "stain",
    "SCRIPT DEBUG": "spoil",
    "SELECT": "select",
    "SSUBSCRIBE": "stain",
    "SUBSCRIBE": "stain",
    "SUNSUBSCRIBE": "stain",
    "SYNC": "stain",
    "UNSUBSCRIBE": "stain",
    "UNWATCH": "unwatch",
    "WATCH": "watch",
}

#: Why a command may not be sent on any connection of a pool, not even on a lease.
NEVER: Final = {
    "CLIENT REPLY": "use execute_noreply() or execute_many_noreply()",
    "MONITOR": "its stream of lines cannot be told from replies",
    "PSYNC": "a connection is no replica",
    "SYNC": "a connection is no replica",
}

#: Commands that RESP3 answers with pushes. The messages that follow are pushes too and go to the ``listener``.
SUBSCRIBES: Final = frozenset("SUBSCRIBE PSUBSCRIBE SSUBSCRIBE UNSUBSCRIBE PUNSUBSCRIBE SUNSUBSCRIBE".split())

_SUBSCRIBE = "it changes the state of the connection: use pool.subscribe(), which returns a subscriber"
_LEASE = "it changes the state of the connection: take a lease: pool.acquire()"
_FIELDSETS = "its fieldsets belong to one connection: take a lease: pool.acquire()"
_WATCH = "it holds for one connection only: take a lease, pool.acquire(), and call watch() and unwatch() on that"
_BATCH = "use execute_many(commands, atomic=True) or pipeline(atomic=True), or take a lease: pool.acquire()"

#: Why a command may not be sent on a shared connection, and what to use instead (R-20).
REFUSALS: Final = {
    **dict.fromkeys(EFFECTS, _LEASE),
    **dict.fromkeys(SUBSCRIBES, _SUBSCRIBE),
    **NEVER,
    "AUTH": "give username=, password= or credentials= to the pool",
    "CLIENT SETNAME": "give client_name= to the pool",
    "DISCARD": _BATCH,
    "EXEC": _BATCH,
    **dict.fromkeys((name for name in EFFECTS if name.startswith("HIMPORT")), _FIELDSETS),
    "HELLO": "give protocol=, username= and password= to the pool",
    "MULTI": _BATCH,
    "QUIT": "use aclose() or close()",
    "SELECT": "use pool.select(db), or give db= to the pool",
    "UNWATCH": _WATCH,
    "WATCH": _WATCH,
}
