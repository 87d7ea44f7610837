"""What our loop costs: steps a second beside a bare PyTorch loop and PyTorch Lightning, and with the console attached.

    python tests/benchmarks/harness.py [DIR] --seconds 30 --rounds 3

Four programs train the same model on the same batches: the default profile on the audio under DIR, or on the demo
music. `ours`: `harmonic train`, with its figures, checkpoints and heartbeat; `bare`: fifteen lines of PyTorch;
`attached`: ours, while `harmonic-tui` in a terminal of its own shows it; `lightning`: the Trainer of PyTorch
Lightning, with its figures and checkpoints as often as ours. Nobody validates or renders sounds, which are work of
their own and not the loop's: nothing is held out, and no samples are asked for.

They take turns of two seconds, all others being stopped meanwhile, so that a noisy machine is noisy for all. The steps
are divided into blocks of as many epochs as lie between two checkpoints, so that every block holds one (`checkpoints`
says how many there were; where epochs are long, there may be none), and a ratio is the median of those of the blocks.
All is done in several rounds with fresh processes, since one process is a few percent faster than another of the same
program, by the luck of where its memory lies.
On a GPU the device is waited for at both ends of the stretch, and nowhere else on behalf of the measurement. The
weights at the end must be equal, byte for byte.

`start_s` is the time from the start of `harmonic train` with its defaults, validation included and the music being in
the cache, to the end of the first update, less what `import torch` alone takes.
"""

from __future__ import annotations

import argparse
import json
import math
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from itertools import pairwise
from pathlib import Path
from typing import Any

from rich.console import Console as Terminal
from rich.progress import Progress
from safetensors.numpy import load_file
from turns import Contender, take_turns

from harmonic_core.data.workers import available_cores
from harmonic_core.profile.sections import Data, Evaluation, Profile, Train
from harmonic_core.profile.write import to_toml
from harmonic_core.run.directory import RunDirectory

TURN_S = 2.0
WARM_STEPS = 20
SURVEY_STEPS = 40
FEWEST_BLOCKS = 4
ROUNDS = 3
STARTS = 3
RIVALS = Path(__file__).with_name("rivals.py")
NAMES = ("ours", "bare", "attached", "lightning")
TURNS_OF = ("lightning", "ours", "bare", "attached")
"""Those who are compared follow each other."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Train all, then print one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", type=Path, metavar="DIR", nargs="?", help="default: the demo music")
    parser.add_argument("--minutes", type=float, default=Data().demo_minutes, help="how much of the demo music")
    parser.add_argument("--seconds", type=float, default=30.0, help="training time of each in a round, about")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="how often all begin anew")
    parser.add_argument("--steps", type=int, help="updates of each to measure in a round, instead of the time")
    parser.add_argument("--starts", type=int, default=STARTS, help="how often to measure the start")
    options = parser.parse_args(arguments)
    # Programs that are stopped would never end by themselves.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))

    terminal = Terminal(stderr=True, highlight=False)
    versions = {name: installed(name) for name in ("torch", "lightning")}
    names = [name for name in TURNS_OF if name != "lightning" or versions[name]]
    if "lightning" not in names:
        terminal.print("lightning is not installed (extra `benchmark`): of_lightning will be null")
    data = Data(demo_minutes=options.minutes)
    if options.directory:
        data = Data(dataset="custom", custom_dir=(options.directory.absolute(),))
    with tempfile.TemporaryDirectory(prefix="harness-") as name:
        place = Path(name)
        facts, rate = survey(data, place)
        wanted = options.steps or options.seconds * rate
        block = block_length(facts["steps_per_epoch"], wanted)
        edges = [WARM_STEPS + block * number for number in range(max(1, round(wanted / block)) + 1)]
        profile = write_profile(data, place / "profile.toml", math.ceil(edges[-1] / facts["steps_per_epoch"]))
        terminal.print(
            f"{facts['device']}, {facts['threads']} threads, about {rate:.1f} steps a second; "
            f"{len(edges) - 1} blocks of {block} steps, {facts['steps_per_epoch']} steps an epoch"
        )
        rounds = []
        with Progress(console=terminal) as progress:
            task = progress.add_task("training", total=float(options.rounds))
            for number in range(options.rounds):
                (folder := place / f"round-{number}").mkdir()
                contenders = {each: contender(each, profile, folder / each, (edges[0], edges[-1])) for each in names}
                rounds.append(contenders)
                try:
                    take_turns(
                        contenders.values(),
                        TURN_S,
                        edges[-1],
                        lambda share, before=number: progress.update(task, completed=before + share),
                    )
                finally:
                    for each in contenders.values():
                        each.end()
        line = figures(rounds, edges)
        between = facts["steps_per_epoch"] * Profile().output.checkpoint_every
        line["checkpoints"] = len(rounds) * sum(step % between == 0 for step in range(edges[0], edges[-1]))
        line["start_s"] = start_seconds(data, place, options.starts)
    line |= {"device": facts["device"], "threads": facts["threads"], "cores": available_cores(), "versions": versions}
    sys.stdout.write(json.dumps(line) + "\n")
    if not line["weights_equal"]:
        sys.exit("the weights at the end are not those of the bare loop")


def installed(package: str) -> str | None:
    """Version of a package, if it is there."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def write_profile(data: Data, path: Path, epochs: int) -> Path:
    """Write the default profile for so many epochs, without validation, sounds and a vocoder's network."""
    profile = Profile(
        data=data.model_copy(update={"validation_split": 0.0}),
        train=Train(epochs=epochs, refine_vocoder=False),
        evaluation=Evaluation(prior_samples=0, reconstructions=0),
    )
    path.write_text(to_toml(profile), encoding="utf-8")
    return path


def survey(data: Data, place: Path) -> tuple[dict[str, Any], float]:
    """Run the bare loop for some steps: facts on the training, and its steps a second. Fills the cache."""
    folder = place / "survey"
    folder.mkdir()
    profile = write_profile(data, place / "survey.toml", Train().epochs)
    command = [sys.executable, str(RIVALS), "bare", str(profile), str(folder), "--updates", str(SURVEY_STEPS)]
    subprocess.run(command, check=True)
    rows = [json.loads(row) for row in (folder / "metrics.jsonl").read_text().splitlines()]
    warm, last = next(row for row in rows if row["step"] >= WARM_STEPS), rows[-1]
    facts: dict[str, Any] = json.loads((folder / "facts.json").read_text())
    return facts, (last["step"] - warm["step"]) / (last["time"] - warm["time"])


def block_length(steps_per_epoch: int, wanted: float) -> int:
    """Steps in a block: those between two checkpoints, or several times as many; fewer where there will be none."""
    log_every = Profile().train.log_every
    between_checkpoints = steps_per_epoch * Profile().output.checkpoint_every
    if between_checkpoints <= wanted and between_checkpoints % log_every == 0:
        return between_checkpoints * max(1, int(wanted / between_checkpoints / FEWEST_BLOCKS))
    return log_every * max(1, int(wanted / log_every / FEWEST_BLOCKS))


def contender(name: str, profile: Path, folder: Path, ends: tuple[int, int]) -> Contender:
    """One of the programs to compare; `ends` are those of the stretch that is measured."""
    if name in {"ours", "attached"}:
        command = [sys.executable, "-m", "harmonic_core", "train", str(profile), "--output-dir", str(folder)]
        return Contender(name, command, folder, attach=name == "attached")
    folder.mkdir()
    stretch = ("--first", str(ends[0]), "--last", str(ends[1]))
    return Contender(name, [sys.executable, str(RIVALS), name, str(profile), str(folder), *stretch], folder)


def figures(rounds: Sequence[Mapping[str, Contender]], edges: Sequence[int]) -> dict[str, Any]:
    """What was measured on the blocks of steps between `edges` in all rounds."""

    def of(one: str, other: str) -> float | None:
        if other not in rounds[0]:
            return None
        ratios = [
            contenders[other].seconds(first, last) / contenders[one].seconds(first, last)
            for contenders in rounds
            for first, last in pairwise(edges)
        ]
        return round(float(statistics.median(ratios)), 4)

    names = list(rounds[0])
    steps = len(rounds) * (edges[-1] - edges[0])
    seconds = {name: sum(each[name].seconds(edges[0], edges[-1]) for each in rounds) for name in names}
    weights = [{name: weights_of(each[name].folder) for name in names} for each in rounds]
    equal = {name: all(each[name] == weights[0]["bare"] for each in weights) for name in names}
    return {
        "steps_per_s": {name: round(steps / seconds[name], 3) if name in seconds else None for name in NAMES},
        "of_bare": of("ours", "bare"),
        "of_bare_attached": of("attached", "bare"),
        "of_lightning": of("ours", "lightning"),
        "weights_equal": equal["ours"] and equal["attached"],
        "weights_equal_lightning": equal.get("lightning"),
        "steps": steps,
        "blocks": len(rounds) * (len(edges) - 1),
    }


def weights_of(folder: Path) -> dict[str, bytes]:
    """The weights at the end, as bytes."""
    path = folder / "weights.safetensors"
    if not path.exists():
        path = max(RunDirectory(folder).checkpoints.glob("step-*/model.safetensors"))
    return {name: values.tobytes() for name, values in load_file(path).items()}


def start_seconds(data: Data, place: Path, times: int) -> float | None:
    """Median seconds from the start of a training to the end of its first update, beyond `import torch`."""
    profile = place / "start.toml"
    profile.write_text(to_toml(Profile(data=data, train=Train(log_every=1, refine_vocoder=False))), encoding="utf-8")

    def beyond_torch(run: Path) -> float:
        alone = seconds_of(lambda: subprocess.run([sys.executable, "-c", "import torch"], check=True))
        command = [sys.executable, "-m", "harmonic_core", "train", str(profile), "--output-dir", str(run)]
        training, began = Contender("start", command, run), time.time()
        try:
            training.start()
        finally:
            training.end()
        return training.reached[1] - began - alone

    seconds = [beyond_torch(place / f"start-{number}") for number in range(times)]
    return round(statistics.median(seconds), 2) if seconds else None


def seconds_of(work: Callable[[], object]) -> float:
    """Time that `work` takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
