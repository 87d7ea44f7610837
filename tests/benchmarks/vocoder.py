"""Our ways from mels to sound against torchaudio's, on the same mels.

    python tests/benchmarks/vocoder.py DIR --seconds 96 --train-seconds 300

Every other track under DIR is held out. Segments of 3 s, spread over those, are analysed with the default settings.
`ours` renders them with `mel_to_sound`, `refined` with the network as well, trained for so many seconds on the other
half of the tracks, `torchaudio` with `InverseMelScale` and `GriffinLim` of 32 iterations. They take turns, twice, and
the shorter time of each counts. Errors are those of the rendered sound against the original: `mel_db` the mean absolute
log-mel error, `convergence` the spectral convergence of magnitudes, `lsd_db` the log-spectral distance.
`refined_sc_ratio` and `refined_lsd_ratio` are the latter two of `refined` over torchaudio's.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
import torchaudio
from rich.console import Console
from rich.progress import Progress
from rich.progress import track as progress_over
from torch import Tensor
from torch.nn import functional

from harmonic_core.audio.features import LogMel
from harmonic_core.audio.vocoder import mel_to_sound
from harmonic_core.data.cache import Cache, CachedTrack, default_cache_dir
from harmonic_core.data.prepare import prepare
from harmonic_core.data.segments import TrainingSegments, ValidationSegments
from harmonic_core.data.sources import find_tracks
from harmonic_core.profile.sections import Audio, Data, Profile
from harmonic_core.training.refining import Refining, train_alone

THEIR_STEPS = 32
ROUNDS = 2
FLOOR = 1e-8


def main(arguments: Sequence[str] | None = None) -> None:
    """Render with both, then print one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", type=Path, metavar="DIR")
    parser.add_argument("--seconds", type=float, default=96.0, help="of music")
    parser.add_argument("--steps", type=int, default=16, help="iterations of ours")
    parser.add_argument("--train-seconds", type=float, default=300.0, help="of the network; 0 leaves it out")
    parser.add_argument("--refined-steps", type=int, default=32, help="iterations after the network")
    options = parser.parse_args(arguments)

    profile, console = Profile(), Console(stderr=True)
    features = LogMel(profile.audio)
    learnt_from, held_out = halves(options.directory, profile)
    count = round(options.seconds / profile.data.segment_length)
    originals = cut(held_out, profile, count)
    mel = features(originals)
    samples = originals.shape[1]
    ways: dict[str, Callable[[], Tensor]] = {
        "torchaudio": lambda: render_as_torchaudio(mel, features, profile.audio, samples),
        "ours": lambda: mel_to_sound(mel, features, samples, options.steps),
    }
    trained: dict[str, float] = {}
    if options.train_seconds:
        refining = Refining(features, profile.run.seed)
        segments = TrainingSegments(learnt_from, profile.segment_samples, profile.run.seed)
        with Progress(console=console) as bar:
            task = bar.add_task("training", total=1.0)
            updates = train_alone(
                refining, segments, options.train_seconds, lambda share: bar.update(task, completed=share)
            )
        trained = {"train_s": options.train_seconds, "updates": updates}
        ways["refined"] = lambda: mel_to_sound(mel, features, samples, options.refined_steps, refine=refining.refiner)
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    sounds: dict[str, Tensor] = {}
    for _ in progress_over(range(ROUNDS), "rendering", console=console):
        for name, render in ways.items():
            began = time.perf_counter()
            sounds[name] = render()
            seconds[name].append(time.perf_counter() - began)
    figures = {
        name: {**errors(features, originals, sounds[name]), "seconds": round(min(seconds[name]), 3)} for name in ways
    }
    ours, theirs = figures["ours"], figures["torchaudio"]
    line = {
        **figures,
        "error_ratio": round(ours["mel_db"] / theirs["mel_db"], 4),
        "time_ratio": round(ours["seconds"] / theirs["seconds"], 4),
        "convergence_ratio": round(ours["convergence"] / theirs["convergence"], 4),
        **({} if "refined" not in figures else ratios(figures["refined"], theirs)),
        **trained,
        "music_s": round(originals.numel() / profile.audio.sample_rate, 1),
        "tracks": [len(learnt_from), len(held_out)],
        "threads": torch.get_num_threads(),
    }
    sys.stdout.write(json.dumps(line) + "\n")


def halves(directory: Path, profile: Profile) -> tuple[list[CachedTrack], list[CachedTrack]]:
    """Tracks below a folder, every other one in each: to learn from, and held out."""
    music = find_tracks(Data(dataset="custom", custom_dir=(directory,)), 0)
    outcomes = prepare(music.tracks, profile.audio.sample_rate, Cache(default_cache_dir()), lambda _: None)
    long_enough = [
        each.cached for each in outcomes if each.cached and each.cached.samples >= 2 * profile.segment_samples
    ]
    if len(long_enough) < 2:
        raise SystemExit(f"{directory}: two tracks of {2 * profile.data.segment_length:g} s are the least")
    return long_enough[::2], long_enough[1::2]


def cut(tracks: Sequence[CachedTrack], profile: Profile, count: int) -> Tensor:
    """So many segments from all over the tracks: (count, samples) float."""
    segments = ValidationSegments(tracks, profile.segment_samples, count)
    return torch.from_numpy(segments.batch(0, count)).float() / 32768.0


def ratios(refined: dict[str, float], theirs: dict[str, float]) -> dict[str, float]:
    """Errors with the network over torchaudio's."""
    return {
        "refined_sc_ratio": round(refined["convergence"] / theirs["convergence"], 4),
        "refined_lsd_ratio": round(refined["lsd_db"] / theirs["lsd_db"], 4),
        "refined_time_ratio": round(refined["seconds"] / theirs["seconds"], 4),
    }


def render_as_torchaudio(mel: Tensor, features: LogMel, audio: Audio, samples: int) -> Tensor:
    """Sound of mels by what torchaudio has for it."""
    inverse = torchaudio.transforms.InverseMelScale(
        audio.n_fft // 2 + 1,
        audio.n_mels,
        audio.sample_rate,
        audio.f_min,
        audio.f_max or audio.sample_rate / 2,
        norm=None,
        mel_scale="slaney",
    ).to(mel.device)
    find_phase = torchaudio.transforms.GriffinLim(
        audio.n_fft, THEIR_STEPS, hop_length=audio.hop_length, power=1.0, length=samples
    ).to(mel.device)
    magnitude = inverse(features.mel_power(mel)).clamp_min(0.0).sqrt() * (features.window.sum() / 2.0)
    sound: Tensor = find_phase(magnitude)
    return functional.pad(sound, (0, samples - sound.shape[1]))


def errors(features: LogMel, original: Tensor, rendered: Tensor) -> dict[str, float]:
    """How far rendered sounds are from their originals, both (batch, samples)."""
    ours, theirs = features.power(original), features.power(rendered)
    level = [10.0 * power.clamp_min(FLOOR).log10() for power in (ours, theirs)]
    return {
        "mel_db": round(features.error_db(features(rendered), features(original)).item(), 4),
        "convergence": round(((ours.sqrt() - theirs.sqrt()).norm() / ours.sqrt().norm()).item(), 4),
        "lsd_db": round((level[0] - level[1]).square().mean(dim=-1).sqrt().mean().item(), 4),
    }


if __name__ == "__main__":
    main()
