"""Stands in for `harmonic explore`: answers at once about music that never was. `python made_up_explorer.py RUN`.

Files in the run's folder say what it should do: `reason.txt` why it refuses to open, `no_music.txt` why there is no
music, `crash.txt` that it ends at the next request. It writes down every request in `asked.jsonl`.
"""

from __future__ import annotations

import json
import math
import struct
import sys
import tempfile
import wave
from pathlib import Path
from typing import Any

KINDS = ("jazz", "folk", "metal")
EACH = 8
HOSTILE = "[red]\x1b[31mb\udc80\x07"


def opened(run: Path, step: int) -> dict[str, Any]:
    if (run / "no_music.txt").exists():
        points: list[str] = []
    else:
        points = [kind for kind in KINDS for _ in range(EACH)]
    return {
        "epoch": step // 40,
        "step": step,
        "latent_dim": 128,
        "segment_s": 3.0,
        "no_music": "" if points else (run / "no_music.txt").read_text(),
        "points": [
            {"track": f"{kind}-{number // 4:02}", "at_s": 3.0 * (number % 4), "held_out": number % EACH < 3}
            for number, kind in enumerate(points)
        ],
        "labels": {
            "genre": points,
            "artist": [("", HOSTILE, "[/b]other")[number % 3] for number in range(len(points))],
            "key": [("C major", "A minor")[number % 2] for number in range(len(points))],
            "track": [f"{kind}-{number // 4:02}" for number, kind in enumerate(points)],
        },
        "estimated": ["key"],
        "shares": [0.4, 0.2, 0.1, 0.05, 0.03, 0.02, 0.02, 0.01, 0.01][: len(points)],
        "coordinates": [[(number % 5 - 2) / 2] * 8 for number in range(len(points))],
    }


def places(method: str) -> list[list[float]]:
    found = []
    for number in range(len(KINDS) * EACH):
        turn = 2 * math.pi * (number // EACH) / len(KINDS) + (0.5 if method == "PCA" else 0.0)
        small = 2 * math.pi * (number % EACH) / EACH
        found.append([3 * math.cos(turn) + math.cos(small), 3 * math.sin(turn) + math.sin(small)])
    return found


def sound(folder: Path, number: int, seconds: float) -> dict[str, Any]:
    path = folder / f"{number}.wav"
    samples = [round(3000 * math.sin(0.06 * index)) for index in range(round(8000 * 0.2))]
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(struct.pack(f"<{len(samples)}h", *samples))
    shape = [0.3 + 0.5 * abs(math.sin(0.3 * index)) for index in range(48)]
    return {"path": str(path), "duration_s": seconds, "level_db": -18.4, "envelope": shape}


def answer(request: dict[str, Any], run: Path, folder: Path) -> dict[str, Any]:
    match request["do"]:
        case "open":
            if (run / "reason.txt").exists():
                return {"event": "failed", "reason": (run / "reason.txt").read_text()}
            step = int((run / "step.txt").read_text()) if (run / "step.txt").exists() else 1480
            return {"event": "done", **opened(run, step)}
        case "map":
            return {"event": "done", "method": request["method"], "places": places(request["method"])}
        case "walk":
            steps = request["steps"]
            walked = sound(folder, request["id"], 2.0 * steps + 1.0)
            starts = [2.0 * step for step in range(steps)]
            near = [step % (len(KINDS) * EACH) for step in range(steps)]
            return {"event": "done", **walked, "starts_s": starts, "near": near}
    return {"event": "done", **sound(folder, request["id"], 3.0)}


def main() -> None:
    run = Path(sys.argv[1])
    with tempfile.TemporaryDirectory() as folder, (run / "asked.jsonl").open("a") as asked:
        for line in sys.stdin:
            request = json.loads(line)
            asked.write(line)
            asked.flush()
            if (run / "crash.txt").exists():
                (run / "crash.txt").unlink()
                sys.exit(3)
            print(json.dumps({"id": request["id"], "event": "progress", "words": f"doing: {request['do']}"}))
            print(json.dumps({"id": request["id"], **answer(request, run, Path(folder))}), flush=True)


if __name__ == "__main__":
    main()
