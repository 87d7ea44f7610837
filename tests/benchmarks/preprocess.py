"""How fast music is made ready, against librosa and against the decoder alone, on the same files in one run.

    python tests/benchmarks/preprocess.py DIR

(a) `ours`: `prepare` into an empty cache; (b) `librosa`: `librosa.load(sr=22050)` and `librosa.feature.melspectrogram`
in one process; (c) `librosa_parallel`: the same with a process a core; (d) `limit`: the quickest decoder and resampler
alone, a process a core, each with its share of the files and its samples thrown away. Ours and the limit start their
processes anew in every round; librosa's are started beforehand, and what it imports and compiles is not counted. All
take turns over the files, in several rounds. Figures are hours of audio a minute, the best of the rounds; ratios are
medians over rounds, of neighbours in time, so that a noisy machine is noisy for both.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harmonic_core.data.tracks import Track

# Heavy imports stand inside functions: the processes of the limit start with this file too.
RATE = 22_050
ROUNDS = 3


def librosa_mel(path: str) -> float:
    """Load and transform one file as most scripts do; returns its seconds."""
    import librosa

    samples, rate = librosa.load(path, sr=RATE)
    librosa.feature.melspectrogram(y=samples, sr=rate)
    return len(samples) / RATE


def decode_alone(path: str) -> float:
    """Decode one file with the project's decoder and keep nothing; returns its seconds."""
    from harmonic_core.audio.decode import decode

    return sum(block.size for block in decode(Path(path), RATE)) / RATE


def pyav_alone(path: str) -> float:
    """Decode one file with PyAV and its own resampler and keep nothing; returns its seconds."""
    import av
    import av.error

    resampler = av.AudioResampler(format="s16", layout="mono", rate=RATE)
    samples = 0
    with av.open(path) as container:
        for packet in container.demux(audio=0):
            # Some files have an empty packet in their middle.
            with suppress(av.error.FFmpegError):
                for frame in packet.decode():
                    samples += sum(each.to_ndarray().size for each in resampler.resample(frame))
    return samples / RATE


DECODERS: dict[str, Callable[[str], float]] = {"decode": decode_alone, "pyav": pyav_alone}


def start_alone(decoder: str, paths: Sequence[str], cores: int) -> None:
    """Decode all files in processes started anew, each with an equal share, and keep nothing."""
    shares: list[list[str]] = [[] for _ in range(cores)]
    for path in paths:
        min(shares, key=lambda share: sum(-_longest_first(each) for each in share)).append(path)
    command = [sys.executable, __file__, "--alone", decoder]
    processes = [subprocess.Popen([*command, *share]) for share in shares if share]
    if any(process.wait() for process in processes):
        raise RuntimeError(f"{decoder} failed")


def choose(folder: Path, minutes: float) -> tuple[list[Track], float]:
    """Tracks of about so many minutes, in the order of their names, and how many seconds they last."""
    import soundfile

    from harmonic_core.data.sources.custom import find_tracks
    from harmonic_core.data.tracks import AudioFile

    chosen: list[Track] = []
    seconds = 0.0
    for track in find_tracks(folder).tracks:
        if not isinstance(track.sound, AudioFile):
            continue
        try:
            seconds += soundfile.info(track.sound.path).duration
        except soundfile.LibsndfileError:
            continue
        chosen.append(track)
        if seconds >= minutes * 60:
            break
    return chosen, seconds


def ours(tracks: Sequence[Track], workers: int, folder: Path) -> None:
    """Make everything ready in an empty cache, as `harmonic data preprocess` does."""
    from harmonic_core.data.cache import Cache
    from harmonic_core.data.prepare import prepare

    outcomes = prepare(tracks, RATE, Cache(folder), lambda told: None, workers=workers)
    refused = [f"{each.track.label}: {each.reason}" for each in outcomes if each.reason]
    if refused:
        raise RuntimeError(f"refused: {refused}")


def main(arguments: Sequence[str] | None = None) -> None:
    """Print each round, then one JSON line."""
    from rich.console import Console

    from harmonic_core.data.tracks import AudioFile
    from harmonic_core.data.workers import available_cores

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", type=Path, metavar="DIR")
    parser.add_argument("--minutes", type=float, default=math.inf, help="how much of the music to use; default: all")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    options = parser.parse_args(arguments)

    # A process a core means one thread a process, for all alike.
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
        os.environ[name] = "1"
    cores = available_cores()
    tracks, seconds = choose(options.directory, options.minutes)
    # The longest first, for all: nobody waits for one process at the end.
    paths = sorted((str(each.sound.path) for each in tracks if isinstance(each.sound, AudioFile)), key=_longest_first)
    console = Console(stderr=True, highlight=False)
    console.print(f"{len(tracks)} files, {seconds / 60:.1f} min, {cores} cores, {options.rounds} rounds")
    figures: dict[str, list[float]] = {}

    with (
        tempfile.TemporaryDirectory() as caches,
        ProcessPoolExecutor(1) as single,
        ProcessPoolExecutor(cores) as pool,
    ):
        for executor, count in ((single, 1), (pool, cores)):
            list(executor.map(librosa_mel, [min(paths, key=lambda path: Path(path).stat().st_size)] * 4 * count))

        def warm(executor: ProcessPoolExecutor) -> Callable[[], None]:
            return lambda: sum(executor.map(librosa_mel, paths)) and None

        contenders: dict[str, Callable[[], None]] = {"ours": lambda: ours(tracks, cores, Path(caches, "cache"))}
        contenders |= {f"limit ({name})": partial(start_alone, name, paths, cores) for name in DECODERS}
        contenders |= {"librosa_parallel": warm(pool), "librosa": warm(single)}
        for number in range(options.rounds):
            for name, run in contenders.items():
                began = time.perf_counter()
                run()
                figure = seconds / 3600 / ((time.perf_counter() - began) / 60)
                figures.setdefault(name, []).append(figure)
                shutil.rmtree(Path(caches, "cache"), ignore_errors=True)
                console.print(f"round {number + 1}  {name:18} {figure:7.2f} h/min  {figure * 60:6.0f} × real time")

    best = {name: max(values) for name, values in figures.items()}
    limit_by = max(DECODERS, key=lambda name: best[f"limit ({name})"])
    limit = f"limit ({limit_by})"

    def against(other: str) -> float:
        return round(statistics.median(a / b for a, b in zip(figures["ours"], figures[other], strict=True)), 3)

    line = {
        "hours_per_minute": {
            **{name: round(best[name], 3) for name in ("ours", "librosa", "librosa_parallel")},
            "limit": round(best[limit], 3),
        },
        "limit_by": limit_by,
        "minutes": round(seconds / 60, 1),
        "files": len(tracks),
        "cores": cores,
        "vs_librosa": against("librosa"),
        "vs_librosa_parallel": against("librosa_parallel"),
        "of_limit": against(limit),
    }
    sys.stdout.write(json.dumps(line) + "\n")


def _longest_first(path: str) -> int:
    return -Path(path).stat().st_size


if __name__ == "__main__":
    if sys.argv[1:2] == ["--alone"]:
        for file in sys.argv[3:]:
            DECODERS[sys.argv[2]](file)
    else:
        main()
