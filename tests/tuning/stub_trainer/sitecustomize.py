"""Stands in for `harmonic train` and what measures a trial, in every Python that has this folder on its path.

It leaves behind what they would, at once: for tests of who does which trial when, where training is not the point. A
file that STUB_GATE names holds all trials after their first epoch for as long as it is there.
"""

import json
import math
import os
import signal
import socket
import sys
import time
from pathlib import Path


def train(arguments: list[str]) -> int:
    """Write the epochs of a run; go on where it was stopped."""
    stopped: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, frame: stopped.append(number))
    run = Path(arguments[arguments.index("--output-dir") + 1])
    settings = [arguments[place + 1] for place, word in enumerate(arguments) if word == "--set"]
    told, metrics = run / "settings.json", run / "metrics.jsonl"
    if "--resume-from" not in arguments:
        told.write_text(json.dumps(dict(each.split("=", 1) for each in settings)))
    known = json.loads(told.read_text())
    epochs = int(known.get("train.epochs", 3))
    deadline = time.monotonic() + 300
    gate = Path(os.environ.get("STUB_GATE", "/nonexistent"))

    def say(state: str, code: int | None) -> None:
        who = {"pid": os.getpid(), "process_start": 0.0, "host": socket.gethostname()}
        times = {"started_at": time.time(), "heartbeat": time.time()}
        status = {"state": state, "exit_code": code, "epochs": epochs, **who, **times}
        (run / ".status").write_text(json.dumps(status))
        (run / ".status").rename(run / "status.json")

    with (run / "starts").open("a") as starts:
        starts.write(f"{os.getpid()}\n")
    if known.get("train.batch_size") == "13":
        print("harmonic: out of memory (a stub's); halve it", flush=True)
        return 4
    say("training", None)
    done = metrics.read_text().count("\n") if metrics.exists() else 0
    for epoch in range(done + 1, epochs + 1):
        error = figures(known)["recon_db"] + 3 * math.exp(-epoch)
        row = {"kind": "epoch", "step": epoch, "epoch": epoch, "val_recon_db": error, "val_kl_nats": 20.0}
        with metrics.open("a") as rows:
            rows.write(json.dumps(row) + "\n")
        (run / "checkpoints" / f"step-{epoch:08d}").mkdir(parents=True, exist_ok=True)
        # A test that fails must not leave it waiting for ever.
        while gate.exists() and not stopped and time.monotonic() < deadline:
            time.sleep(0.02)
        if stopped:
            say("stopped", 143)
            return 143
    say("finished", 0)
    return 0


def figures(known: dict[str, str]) -> dict[str, float]:
    """What settings come to: the error falls with beta, the distance of samples rises."""
    rate, beta = float(known.get("train.learning_rate", 1e-3)), float(known.get("loss.beta_end", 0.01))
    width = float(known.get("model.latent_dim", 128))
    return {
        "recon_db": 5 + abs(math.log10(rate) + 3) + math.log10(beta) / 4 + 32 / width,
        "mel_fd": 4000 + 1000 * abs(math.log10(rate) + 3) - 800 * math.log10(beta) + width,
        "kl_nats": 20.0,
        "epoch": int(known.get("train.epochs", 3)),
    }


if sys.orig_argv[1:4] == ["-m", "harmonic_core", "train"]:
    code = train(sys.orig_argv[4:])
    sys.stdout.flush()
    os._exit(code)
if sys.orig_argv[1:5] == ["-m", "harmonic_core", "tune", "measure"]:
    print(json.dumps(figures(json.loads((Path(sys.orig_argv[5]) / "settings.json").read_text()))), flush=True)
    os._exit(0)
