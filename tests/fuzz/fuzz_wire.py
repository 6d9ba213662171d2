"""``python -m tests.fuzz.fuzz_wire --seconds 60`` feeds the wire what no server sends.

With atheris installed (``pip install --group fuzz``) the search is guided by coverage; without, inputs are mutated and
joined at random from the corpus. An input that breaks a rule of ``wire_oracle`` is written beside the corpus and shown;
``--replay FILE`` tries it again.
"""

from __future__ import annotations

import argparse
import importlib.util
import random
import resource
import sys
import time
from pathlib import Path

from .wire_oracle import HEADER, check

CORPUS = Path(__file__).parent / "corpus"
FOUND = Path(__file__).parent / "found"

#: What mutations put in: the words of the protocol and numbers that are hard.
TOKENS = (
    b"\r\n", b"\r", b"\n", b"+", b"-", b":", b"$", b"*", b"_", b"#t\r\n", b",", b"(", b"!", b"=", b"%", b"~", b">",
    b"|",
    b"0", b"-1", b"-2", b"1",
    b"65536", b"999999", b"inf", b"nan", b"$-1\r\n", b"*-1\r\n",
    b"+OK\r\n", b"$0\r\n\r\n", b">2\r\n",
    b"|1\r\n+a\r\n+b\r\n", b"!5\r\nERR x\r\n", b"%1\r\n", b"~1\r\n", b"\xff", b"\0",
)  # fmt: skip


def mutate(chance: random.Random, corpus: list[bytes]) -> bytes:
    """Make an input from one or two others."""
    data = bytearray(chance.choice(corpus))
    if chance.random() < 0.3:
        data += chance.choice(corpus)[HEADER:]
    for _ in range(chance.choice((1, 1, 2, 3, 8))):
        at = chance.randrange(len(data) + 1)
        match chance.randrange(5):
            case 0:
                data[at:at] = chance.choice(TOKENS)
            case 1:
                del data[at : at + chance.choice((1, 1, 2, 5, 50))]
            case 2 if at < len(data):
                data[at] = chance.randrange(256)
            case 3:
                data[at : at + 1] = chance.choice(TOKENS)
            case _:
                data[at:at] = data[at : at + chance.choice((1, 4, 16))]
    return bytes(data)


def read_corpus() -> list[bytes]:
    return [path.read_bytes() for path in sorted(CORPUS.iterdir())]


def fuzz_at_random(seconds: float, seed: int) -> int:
    """Mutate at random for so long; return the number of inputs."""
    chance = random.Random(seed)
    corpus = read_corpus()
    ends_at = time.monotonic() + seconds
    count = 0
    while time.monotonic() < ends_at:
        data = mutate(chance, corpus)
        started = time.monotonic()
        try:
            check(data)
            assert time.monotonic() - started < 5.0, "it took too long"
        except BaseException:
            FOUND.mkdir(exist_ok=True)
            path = FOUND / f"{seed}-{count}"
            path.write_bytes(data)
            print(f"broken by {data!r}, kept as {path}", file=sys.stderr)
            raise
        count += 1
        if count % 200 == 0 and len(corpus) < 2000:
            corpus.append(data[:2000])
    return count


def fuzz_guided(seconds: float) -> int:
    """Let atheris search; does not return, but ends the process."""
    import atheris

    with atheris.instrument_imports(include=["respool._protocol.wire", "respool._protocol.frames", "respool._protocol.decoding"]):
        for name in ("respool._protocol.decoding", "respool._protocol.frames", "respool._protocol.wire"):
            sys.modules.pop(name, None)
        import respool._protocol.wire

    from . import wire_oracle

    wire_oracle.Wire = respool._protocol.wire.Wire  # the instrumented one
    FOUND.mkdir(exist_ok=True)
    flags = [f"-max_total_time={seconds:g}", "-timeout=5", "-rss_limit_mb=1024", "-max_len=4096"]
    flags.append("-print_final_stats=1")
    flags += [f"-artifact_prefix={FOUND}/", str(FOUND / "corpus"), str(CORPUS)]
    (FOUND / "corpus").mkdir(exist_ok=True)
    atheris.Setup([sys.argv[0], *flags], check)
    atheris.Fuzz()
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.fuzz_wire", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=0, help="of the random search")
    parser.add_argument("--random", action="store_true", help="do not use atheris")
    parser.add_argument("--replay", type=Path, help="try one input again")
    options = parser.parse_args()
    if options.replay is not None:
        check(options.replay.read_bytes())
        print("nothing is broken")
        return 0
    if not options.random and importlib.util.find_spec("atheris") is not None:
        return fuzz_guided(options.seconds)
    count = fuzz_at_random(options.seconds, options.seed)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(f"{count} inputs in {options.seconds:g} s, nothing broken; at most {peak} MiB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
