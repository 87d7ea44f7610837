"""How quick the console is on a run of a million rows, in a real terminal, beside TensorBoard and W&B LEET.

python tests/benchmarks/console.py [--rows N] [--seconds S] [--alone]

Prints one JSON line; null stands for what is not installed.

open_s              until the dashboard shows the curve of the whole run; exact_s: until every row is in it
frame_ms, key_ms    95th percentile: from a key that draws all charts anew to the end of the frame, from a key to the
                    first change of the screen while rows arrive
idle_cpu_percent    share of a core with nothing new but heartbeats; live_cpu_percent: with 20 rows a second
bytes_per_s         what the terminal is sent meanwhile
resident_mb         memory of the console and all it started, after all this; peak_mb: while it read the run
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from in_terminal import COLUMNS, Terminal, every
from long_run import LongRun
from other_consoles import leet, tensorboard

ROWS_A_SECOND = 20
GIVE_UP_S = 120.0
BARS = {
    "open_s": 2.0,
    "frame_ms": 60.0,
    "key_ms": 100.0,
    "idle_cpu_percent": 2.0,
    "live_cpu_percent": 15.0,
    "resident_mb": 250.0,
    "bytes_per_s": 40_000.0,
}
_BEAT_S = 1.0
_KEYS = 40
_BRAILLE = range(0x2801, 0x2900)


def shows_the_whole_run(display: list[str]) -> bool:
    """Whether the chart of the loss has a curve from its beginning to its end."""
    chart = [line[: COLUMNS // 2] for line in display[2:14]]
    columns = {column for line in chart for column, sign in enumerate(line) if ord(sign) in _BRAILLE}
    return bool(columns) and min(columns) < 12 and max(columns) > COLUMNS // 2 - 6


def has_all_rows(display: list[str]) -> bool:
    """Whether the curves are made of all rows."""
    return shows_the_whole_run(display) and not any("reading all" in line for line in display)


def console_figures(long: LongRun, seconds: float) -> dict[str, float]:
    """Figures of the console on the run."""
    beat = every(_BEAT_S, long.beat)
    terminal = Terminal([sys.executable, "-m", "harmonic_tui", str(long.run.path)])
    try:
        figures = {"open_s": terminal.wait_until(shows_the_whole_run, GIVE_UP_S, beat)}
        figures["exact_s"] = terminal.wait_until(has_all_rows, GIVE_UP_S, beat)
        figures["peak_mb"] = terminal.peak_bytes / 1e6
        # With nothing to show but all curves once more.
        terminal.press("z")
        figures["frame_ms"] = _p95([1000 * terminal.press(key)[1] for key in ("+", "h", "l", "-") * (_KEYS // 4)])
        terminal.press("z")
        _, figures["idle_cpu_percent"] = _let_run(terminal, seconds, every(_BEAT_S, long.beat))
        live = every(1 / ROWS_A_SECOND, long.append), every(_BEAT_S, long.beat)
        figures["bytes_per_s"], figures["live_cpu_percent"] = _let_run(terminal, seconds, *live)
        figures["key_ms"] = _p95([_key_ms(terminal, key, long.append) for key in ("z", "+", "-", "z") * (_KEYS // 4)])
        figures["resident_mb"] = terminal.resident_bytes() / 1e6
    finally:
        terminal.close()
    return figures


def _key_ms(terminal: Terminal, key: str, append: Callable[[], None]) -> float:
    append()
    return 1000 * terminal.press(key)[0]


def _let_run(terminal: Terminal, seconds: float, *beside: Callable[[], None]) -> tuple[float, float]:
    """Bytes a second, and share of a core in percent, while nobody touches it."""
    terminal.settle()
    cpu, received, began = terminal.cpu_s(), terminal.received, time.perf_counter()
    while time.perf_counter() - began < seconds:
        terminal.read(0.01)
        for each in beside:
            each()
    elapsed = time.perf_counter() - began
    return (terminal.received - received) / elapsed, 100 * (terminal.cpu_s() - cpu) / elapsed


def _p95(times: list[float]) -> float:
    return statistics.quantiles(times, n=20)[-1]


def main() -> None:
    """Write the run, measure, and print one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--seconds", type=float, default=20.0, help="how long it is looked at idle, and live")
    parser.add_argument("--alone", action="store_true", help="leave TensorBoard and W&B LEET out")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="console-") as name:
        folder = Path(name)
        long = LongRun(folder / "long", options.rows)
        megabytes = round(long.run.metrics.stat().st_size / 1e6)
        figures = {figure: round(value, 2) for figure, value in console_figures(long, options.seconds).items()}
        line = {
            **figures,
            "rows": options.rows,
            "megabytes": megabytes,
            "bars": BARS,
            "met": all(figures[figure] <= bar for figure, bar in BARS.items()),
            "tensorboard": None if options.alone else tensorboard(folder / "tensorboard", options.rows),
            "leet": None if options.alone else leet(folder / "leet", options.rows),
        }
    sys.stdout.write(json.dumps(line) + "\n")


if __name__ == "__main__":
    main()
