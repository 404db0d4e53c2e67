#!/usr/bin/env python3
"""Peak memory of the console and of the supervisor while a shell step prints a flood.

    cargo build --release && tests/bench/flood.py [BYTES]

Default: 1 GB of `yes`. Peaks are VmHWM of /proc, read until the processes end.
"""
import os
import subprocess
import sys
import tempfile
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
steps:
  - id: flood
    title: Flood
    do:
      shell: {run: 'yes | head -c "$INPUT_BYTES"'}
"""


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


def main() -> None:
    size = sys.argv[1] if len(sys.argv) > 1 else "1000000000"
    with tempfile.TemporaryDirectory() as scratch:
        runbook = Path(scratch, "flood.yaml")
        runbook.write_text(RUNBOOK)
        command = [STEADY, "--runs", f"{scratch}/runs", "run", runbook, "--auto", "--mode", "drill"]
        begin = time.perf_counter()
        console = subprocess.Popen(
            [*map(str, command), "-i", f"bytes={size}"], stdout=subprocess.DEVNULL
        )
        peaks = {"console": 0, "supervisor": 0}
        while console.poll() is None:
            peaks["console"] = max(peaks["console"], peak_kib(console.pid))
            supervisor = supervisor_of(console.pid)
            if supervisor:
                peaks["supervisor"] = max(peaks["supervisor"], peak_kib(supervisor))
            time.sleep(0.05)
        took = time.perf_counter() - begin
    print(f"{size} bytes in {took:.1f} s, exit code {console.returncode}")
    for name, kib in peaks.items():
        print(f"peak of the {name}: {kib / 1024:.1f} MiB")


if __name__ == "__main__":
    main()
