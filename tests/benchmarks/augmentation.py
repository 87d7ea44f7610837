"""Our pitch shift and time stretch against librosa's phase vocoder: mean absolute difference of the log-mels in dB.

    python tests/benchmarks/augmentation.py DIR --pieces 12

Beside each stands what the change itself amounts to (the mel before against librosa's after): the smaller the
difference beside that, the better ours stands for the real thing. Ours has no phase vocoder and costs one analysis.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import librosa
import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track as progress_over
from torch import Tensor

from harmonic_core.audio.decode import decode
from harmonic_core.audio.features import LogMel
from harmonic_core.data.augment import FASTEST, SEMITONES, SLOWEST, Augmentation
from harmonic_core.data.sources import find_tracks
from harmonic_core.data.tracks import AudioFile
from harmonic_core.profile.sections import Data, Profile

SEMITONE_STEPS = (-4.0, -2.0, 2.0, 4.0)
SPEEDS = (0.7, 0.85, 1.2, 1.4)
SECONDS = 6.0
UNCHANGED = 0.5


def draw_of_pitch(semitones: float) -> float:
    """The draw that shifts by so many semitones at full strength."""
    banks = 2 * round(SEMITONES * 4) + 1
    return float((semitones + SEMITONES) / (2 * SEMITONES) * (banks - 1) + 0.5) / banks


def draw_of_speed(speed: float) -> float:
    """The draw that plays so many times as fast at full strength."""
    return float(np.log(speed / SLOWEST) / np.log(FASTEST / SLOWEST))


def main(arguments: Sequence[str] | None = None) -> None:
    """Compare on pieces of the audio under DIR, then print one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", type=Path, metavar="DIR")
    parser.add_argument("--pieces", type=int, default=12, help="files to take a piece of")
    options = parser.parse_args(arguments)

    profile, console = Profile(), Console(stderr=True)
    rate, features = profile.audio.sample_rate, LogMel(profile.audio)
    frames = profile.segment_frames
    augmentation = Augmentation(profile.audio, features, 1.0, frames)
    music = find_tracks(Data(dataset="custom", custom_dir=options.directory), 0)
    files = [track.sound.path for track in music.tracks if isinstance(track.sound, AudioFile)]
    chosen = [files[index] for index in np.linspace(0, len(files), options.pieces, endpoint=False).astype(int)]
    differences: dict[str, list[tuple[float, float]]] = {"pitch": [], "tempo": []}

    def compare(
        kind: str, piece: NDArray[np.float32], draws: list[float], reference: Callable[[NDArray[np.float32]], object]
    ) -> None:
        ours = augmentation(
            torch.from_numpy(np.int16(piece * 32767.0)).unsqueeze(0), torch.tensor([[*draws, 0.0, 0.0]])
        )
        theirs = features(torch.from_numpy(np.asarray(reference(piece), np.float32)).unsqueeze(0))
        # The edges see silence on one side and music on the other.
        inside = slice(4, frames - 4)
        before: Tensor = features(torch.from_numpy(piece).unsqueeze(0))
        pairs = ((mel[..., inside], theirs[..., inside]) for mel in (ours, before))
        differences[kind].append(tuple(float(features.error_db(a, b)) for a, b in pairs))  # type: ignore[arg-type]

    for path in progress_over(chosen, "comparing", console=console):
        pcm = np.concatenate(list(decode(path, rate))).astype(np.float32) / 32768.0
        middle = max(0, len(pcm) // 2 - round(SECONDS * rate / 2))
        piece = pcm[middle : middle + round(SECONDS * rate)]
        for semitones in SEMITONE_STEPS:
            compare(
                "pitch",
                piece,
                [draw_of_pitch(semitones), draw_of_speed(1.0)],
                lambda y, n=semitones: librosa.effects.pitch_shift(y, sr=rate, n_steps=n),
            )
        for speed in SPEEDS:
            compare(
                "tempo",
                piece,
                [draw_of_pitch(0.0), draw_of_speed(speed)],
                lambda y, n=speed: librosa.effects.time_stretch(y, rate=n),
            )

    line: dict[str, float] = {}
    for kind, pairs in differences.items():
        line[f"{kind}_db"], line[f"{kind}_change_db"] = np.mean(pairs, axis=0).round(2).tolist()
    sys.stdout.write(json.dumps(line) + "\n")


if __name__ == "__main__":
    main()
