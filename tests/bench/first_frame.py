#!/usr/bin/env python3
"""Time from exec to the first frame of the catalogue, beside two processes everybody knows.

    cargo build --release && tests/bench/first_frame.py [ROUNDS]

The rounds of the three commands alternate, so that a noisy machine is noisy for all of them. For
`steady` the clock stops when the frame's last line is on the terminal; for the others when they exit.
"""
import os
import pty
import select
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import time
import fcntl
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
STEADY = Path(os.environ.get("STEADY", ROOT / "target/release/steady"))


def first_frame() -> float:
    with tempfile.TemporaryDirectory() as runs:
        env = dict(os.environ, TERM="xterm-256color", STEADYHAND_RUNS=runs)
        fd, terminal = pty.openpty()
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        begin = time.perf_counter()
        steady = subprocess.Popen(
            [STEADY], env=env, stdin=terminal, stdout=terminal, stderr=terminal, start_new_session=True
        )
        os.close(terminal)
        seen = b""
        # The bottom line's keys end the frame.
        while b"leave" not in seen:
            if not select.select([fd], [], [], 5)[0]:
                raise SystemExit(f"no frame in 5 s; seen: {seen[-300:]!r}")
            seen += os.read(fd, 65536)
        elapsed = time.perf_counter() - begin
        steady.kill()
        steady.wait()
        os.close(fd)
        return elapsed


def whole(command: list[str]) -> float:
    begin = time.perf_counter()
    subprocess.run(command, check=True)
    return time.perf_counter() - begin


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 31
    timed = {
        "steady, first frame": first_frame,
        "bash -c true": lambda: whole(["bash", "-c", "true"]),
        "python3 -c pass": lambda: whole([sys.executable, "-c", "pass"]),
    }
    took: dict[str, list[float]] = {name: [] for name in timed}
    for _ in range(rounds):
        for name, once in timed.items():
            took[name].append(once() * 1000)
    for name, values in took.items():
        print(
            f"{name:22} median {statistics.median(values):6.1f} ms"
            f"   min {min(values):6.1f}   max {max(values):6.1f}"
        )


if __name__ == "__main__":
    main()
