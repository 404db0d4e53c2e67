#!/usr/bin/env python3
"""Peak memory of the console and of the supervisor while a shell step prints a flood, and how long a key waits.

    cargo build --release && tests/bench/flood.py [BYTES] [yes|binary]

Default: 1 GB of `yes`. The console is on a pseudo-terminal of 80x24 whose output is read all the time. Peaks are
VmHWM of /proc, read until the processes end. A key is answered when the first byte that it asks for is on screen.
"""
import fcntl
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
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
STEADY = Path(os.environ.get("STEADY", ROOT / "target/release/steady"))
RUNBOOK = """
steadyhand: 1
id: flood
title: A flood of output
inputs:
  bytes: {type: integer}
  from: {type: string}
steps:
  - id: flood
    title: Flood
    do:
      shell: {run: '$INPUT_FROM | head -c "$INPUT_BYTES"'}
"""
FROM = {"yes": "yes", "binary": "cat /dev/urandom"}


def peak_kib(pid: int) -> int:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    lines = [line for line in status.splitlines() if line.startswith("VmHWM")]
    return int(lines[0].split()[1]) if lines else 0


def supervisor_of(console: int) -> int | None:
    listed = subprocess.run(
        ["pgrep", "-f", "__attempt", "-P", str(console)], capture_output=True, text=True
    )
    return int(listed.stdout.split()[0]) if listed.stdout.split() else None


class Console:
    """`steady` on a pseudo-terminal."""

    def __init__(self, command: list[str]):
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            os.environ["TERM"] = "xterm-256color"
            os.execv(command[0], command)
        fcntl.ioctl(self.terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        self.seen = b""
        self.status: int | None = None

    def read(self, seconds: float) -> None:
        if select.select([self.terminal], [], [], seconds)[0]:
            try:
                self.seen = (self.seen + os.read(self.terminal, 65536))[-1_000_000:]
            except OSError:
                time.sleep(seconds)

    def wait(self, text: str, seconds: float = 30) -> float:
        """Until it is written: how long that took."""
        begin = time.perf_counter()
        while text.encode() not in self.seen:
            self.read(0.001)
            if time.perf_counter() - begin > seconds:
                raise SystemExit(f"never on screen: {text}\n{self.seen[-2000:]!r}")
        return time.perf_counter() - begin

    def press(self, key: str) -> None:
        self.seen = b""
        os.write(self.terminal, key.encode())

    def is_over(self) -> bool:
        if self.status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            self.status = status if pid else None
        return self.status is not None


def main() -> None:
    size = sys.argv[1] if len(sys.argv) > 1 else "1000000000"
    kind = sys.argv[2] if len(sys.argv) > 2 else "yes"
    with tempfile.TemporaryDirectory() as scratch:
        runbook = Path(scratch, "flood.yaml")
        runbook.write_text(RUNBOOK)
        command = [STEADY, "--runs", f"{scratch}/runs", "run", runbook, "--mode", "drill"]
        command += ["-i", f"bytes={size}", "-i", f"from={FROM[kind]}"]
        console = Console([*map(str, command)])
        console.wait("Before the first step")
        console.press("\r")
        console.wait("Enter")
        time.sleep(0.5)
        console.press("\r")
        console.wait("Press y")
        time.sleep(0.5)
        console.press("y")
        begin = time.perf_counter()
        peaks = {"console": 0, "supervisor": 0}
        keys: list[float] = []
        journal = next(Path(scratch, "runs").glob("*/journal.jsonl"))
        while '"attempt_finished"' not in journal.read_text() and not console.is_over():
            console.press("t")
            keys.append(console.wait("Timeline"))
            console.press("q")
            console.wait("Flood")
            peaks["console"] = max(peaks["console"], peak_kib(console.pid))
            supervisor = supervisor_of(console.pid)
            if supervisor:
                peaks["supervisor"] = max(peaks["supervisor"], peak_kib(supervisor))
            until = time.perf_counter() + 0.1
            while time.perf_counter() < until:
                console.read(0.01)
        took = time.perf_counter() - begin
        console.press("q")
        while not console.is_over():
            console.read(0.05)
    print(f"{size} bytes of {kind} in {took:.1f} s")
    for name, kib in peaks.items():
        print(f"peak of the {name}: {kib / 1024:.1f} MiB")
    slowest, middle = max(keys) * 1e3, statistics.median(keys) * 1e3
    print(f"{len(keys)} keys, answered within {slowest:.0f} ms, half of them within {middle:.0f} ms")


if __name__ == "__main__":
    main()
