#!/usr/bin/env python3
"""Draws docs/screen.svg from a real run of the demo: `cargo build --release && docs/picture.py`.

The demo runs in tmux at 80x24, is driven by keys to the middle of the restore, and what is on the
screen then, colours included, becomes the picture. Needs tmux.
"""
import html
import os
import re
import subprocess
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
STEADY = Path(os.environ.get("STEADY", ROOT / "target/release/steady"))
COLUMNS, ROWS = 80, 24
CELL, LINE = 8.4, 18
# The sixteen colours of a terminal; anything else is written as red, green and blue.
NAMED = (
    "#1d2330 #e06c75 #98c379 #e5c07b #61afef #c678dd #56b6c2 #c8ccd4 "
    "#7f8796 #ef8a92 #b3d89c #f0d399 #84c3f5 #d79be6 #7cc9d3 #ffffff"
).split()
PAPER, INK = "#12161f", "#c8ccd4"


def tmux(*words: str) -> str:
    done = subprocess.run(["tmux", "-L", "picture", *words], capture_output=True, text=True)
    return done.stdout


def wait_for(text: str) -> None:
    deadline = time.monotonic() + 60
    while text not in tmux("capture-pane", "-p"):
        if time.monotonic() > deadline:
            raise SystemExit(f"`{text}` did not appear:\n" + tmux("capture-pane", "-p"))
        time.sleep(0.1)


def keys(*names: str) -> None:
    # A confirmation is taken only when the keys were silent for 300 ms.
    time.sleep(0.5)
    tmux("send-keys", *names)


def drive() -> str:
    """Plays the demo up to the restore at work; the screen with its escape sequences."""
    with tempfile.TemporaryDirectory() as runs:
        tmux("kill-server")
        tmux("new-session", "-d", "-x", str(COLUMNS), "-y", str(ROWS),
             f"STEADYHAND_RUNS={runs} COLORTERM=truecolor {STEADY} demo")  # fmt: skip
        try:
            wait_for("Enter go on")
            keys("Enter")
            for step in ["Is the moment", "Stop writers", "The last writes", "Restore"]:
                wait_for(f"▷ {step}")
                keys("Enter")
                if step == "Stop writers":
                    wait_for("Press y")
                    keys("y")
            wait_for("Type `")
            keys("-l", "loanserve-prod-restored")
            keys("Enter")
            wait_for("▶ Restore")
            time.sleep(1.5)
            return tmux("capture-pane", "-e", "-p")
        finally:
            tmux("kill-server")


class Pen:
    """The state that escape sequences set."""

    def __init__(self) -> None:
        self.ink, self.paper, self.bold, self.reverse = INK, PAPER, False, False

    def take(self, codes: list[int]) -> None:
        codes = codes or [0]
        while codes:
            code = codes.pop(0)
            if code == 0:
                self.__init__()
            elif code in (1, 22):
                self.bold = code == 1
            elif code in (7, 27):
                self.reverse = code == 7
            elif code in (38, 48):
                colour = self.colour(codes)
                self.ink, self.paper = (colour, self.paper) if code == 38 else (self.ink, colour)
            elif 30 <= code <= 37 or 90 <= code <= 97:
                self.ink = NAMED[code - 30 if code < 90 else code - 82]
            elif 40 <= code <= 47 or 100 <= code <= 107:
                self.paper = NAMED[code - 40 if code < 100 else code - 92]
            elif code in (39, 49):
                self.ink, self.paper = (INK, self.paper) if code == 39 else (self.ink, PAPER)

    @staticmethod
    def colour(codes: list[int]) -> str:
        if codes.pop(0) == 2:
            red, green, blue = codes.pop(0), codes.pop(0), codes.pop(0)
            return f"#{red:02x}{green:02x}{blue:02x}"
        number = codes.pop(0)
        if number < 16:
            return NAMED[number]
        if number >= 232:
            return "#" + f"{8 + 10 * (number - 232):02x}" * 3
        steps = [0, 95, 135, 175, 215, 255]
        number -= 16
        return "#%02x%02x%02x" % (steps[number // 36], steps[number // 6 % 6], steps[number % 6])


def svg(screen: str) -> str:
    out = []
    pen = Pen()
    for row, line in enumerate(screen.splitlines()[:ROWS]):
        column = 0
        for part in re.split(r"(\x1b\[[0-9;]*m)", line):
            if part.startswith("\x1b["):
                pen.take([int(code or 0) for code in part[2:-1].split(";")] if part[2:-1] else [])
            elif part:
                out.append(cells(pen, part, column, row))
                column += len(part)
    width, height = COLUMNS * CELL + 24, ROWS * LINE + 24
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" '
        f'font-family="DejaVu Sans Mono, Menlo, Consolas, monospace" font-size="14">\n'
        f'<title>steady demo, in the middle of a restore</title>\n'
        f'<rect width="100%" height="100%" rx="8" fill="{PAPER}"/>\n' + "\n".join(out) + "\n</svg>\n"
    )


def cells(pen: Pen, text: str, column: int, row: int) -> str:
    ink, paper = (pen.paper, pen.ink) if pen.reverse else (pen.ink, pen.paper)
    x, y = 12 + column * CELL, 12 + row * LINE
    out = ""
    if paper != PAPER:
        out = f'<rect x="{x:.1f}" y="{y}" width="{len(text) * CELL:.1f}" height="{LINE}" fill="{paper}"/>'
    if text.strip():
        weight = ' font-weight="bold"' if pen.bold else ""
        out += (
            f'<text x="{x:.1f}" y="{y + 14}" fill="{ink}"{weight} xml:space="preserve" '
            f'textLength="{len(text) * CELL:.1f}">{html.escape(text)}</text>'
        )
    return out


if __name__ == "__main__":
    (ROOT / "docs/screen.svg").write_text(svg(drive()))
