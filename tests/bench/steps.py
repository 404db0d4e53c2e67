#!/usr/bin/env python3
"""Time of a run of 100 no-op shell steps, beside a bash loop and two runners from PyPI.

    cargo build --release && tests/bench/steps.py [ROUNDS [STEPS]]

Each runs `sh -eu -c true` once a step. The bash loop writes a line for each step and syncs it
(`sync -d`), and keeps no output. The rounds of the four alternate, so that a noisy machine is noisy for
all of them. Everything is written below `target/`: a temporary directory may be memory, where a sync
costs nothing. The two from PyPI are installed there once; `PEERS` names a directory that has them.
"""
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TARGET = ROOT / "target"
STEADY = Path(os.environ.get("STEADY", TARGET / "release/steady"))

LOOP = """
for ((i = 1; i <= $1; i++)); do
  sh -eu -c true
  printf '%(%FT%TZ)T step %d: exit code %d\\n' -1 "$i" "$?" >>"$2"
  sync -d "$2"
done
"""


def peers() -> Path:
    """The directory of the programs `chaos` and `runbook`."""
    if "PEERS" in os.environ:
        return Path(os.environ["PEERS"])
    home = TARGET / "bench-peers"
    if not (home / "bin/runbook").exists():
        venv.create(home, with_pip=True)
        pip = [home / "bin/pip", "install", "--quiet"]
        subprocess.run([*pip, "chaostoolkit"], check=True)
        # It asks for a newer Python than Debian's, and runs on this one.
        subprocess.run([*pip, "--ignore-requires-python", "audited-runbook"], check=True)
    return home / "bin"


def of_steady(steps: int) -> str:
    step = "  - {{id: s{0}, title: Step {0}, do: {{shell: {{run: 'true'}}}}}}"
    lines = ["steadyhand: 1", "id: steps", "title: No-op steps", "steps:"]
    return "\n".join([*lines, *(step.format(i) for i in range(steps))])


def of_chaos(steps: int) -> str:
    provider = {"type": "process", "path": "sh", "arguments": ["-eu", "-c", "true"]}
    method = [{"type": "action", "name": f"s{i}", "provider": provider} for i in range(steps)]
    return json.dumps({"title": "No-op steps", "description": "No-op steps", "method": method})


def of_audited(steps: int) -> str:
    # It runs a command as `sh -c COMMAND`.
    lines = [f"  - {{name: s{i}, command: 'true'}}" for i in range(steps)]
    return "\n".join(["name: steps", "steps:", *lines])


def took(command: list[object], scratch: Path) -> float:
    begin = time.perf_counter()
    done = subprocess.run(
        [str(word) for word in command], cwd=scratch, capture_output=True, text=True
    )
    elapsed = time.perf_counter() - begin
    if done.returncode:
        raise SystemExit(f"{command[0]} failed:\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")
    return elapsed * 1000


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    steps = int(sys.argv[2]) if len(sys.argv) > 2 else 100
    tools = peers()
    TARGET.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=TARGET, prefix="bench-") as home:
        scratch = Path(home)
        (scratch / "steps.yaml").write_text(of_steady(steps))
        (scratch / "chaos.json").write_text(of_chaos(steps))
        (scratch / "audited.yaml").write_text(of_audited(steps))
        run = [STEADY, "--runs", "runs", "run", "steps.yaml", "--auto", "--mode", "drill"]
        commands = {
            "bash, a synced line a step": ["bash", "-c", LOOP, "loop", steps, "log"],
            "steady run --auto": run,
            "chaostoolkit": [tools / "chaos", "--no-version-check", "run", "chaos.json"],
            "audited-runbook": [tools / "runbook", "--db", "audit.db", "run", "audited.yaml"],
        }
        times: dict[str, list[float]] = {name: [] for name in commands}
        for _ in range(rounds):
            for name, command in commands.items():
                times[name].append(took(command, scratch))
    bash = statistics.median(times["bash, a synced line a step"])
    print(f"{steps} steps, {rounds} rounds, milliseconds")
    for name, values in times.items():
        median = statistics.median(values)
        print(
            f"{name:28} median {median:7.1f}   min {min(values):7.1f}   max {max(values):7.1f}"
            f"   of bash {median / bash:5.2f}"
        )


if __name__ == "__main__":
    main()
