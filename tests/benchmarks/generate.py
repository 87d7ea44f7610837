"""How much music is made in a second: by the model, by the vocoder, by both, and by torchaudio's inversion.

    python tests/benchmarks/generate.py [RUN] --seconds 96

Segments of the demo music are analysed with the settings of RUN: a run, a checkpoint or an export; by default, of the
default profile, whose model has fresh weights, since it is no slower for knowing nothing. `model` makes mels from
latents, `vocoder` sound from the mels of the music, `together` does both, `piece` too, as one long sound in which
segments fade into each other, and `torchaudio` makes sound from the same mels as `vocoder` with `InverseMelScale` and
`GriffinLim` of 32 iterations. They take turns, twice, and the shorter time of each counts. Ours takes a segment at a
time, as the verbs do, torchaudio all of them at once.

`music_s_per_s` is the music made in a second, `mel_db` the mean absolute log-mel error of the sound against the music,
`speed_ratio` our vocoder's speed over torchaudio's, `error_ratio` its error over theirs.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence

import numpy as np
import torch
from harness import installed
from rich.console import Console
from rich.progress import track as progress_over
from torch import Tensor
from vocoder import ROUNDS, cut, errors, render_as_torchaudio

from harmonic_core.audio.features import LogMel
from harmonic_core.data.cache import Cache, default_cache_dir
from harmonic_core.data.prepare import prepare
from harmonic_core.data.sources import find_tracks
from harmonic_core.generation import Voice
from harmonic_core.model.build import build_model
from harmonic_core.profile.sections import Data, Profile
from harmonic_core.sharing.opened import open_model
from harmonic_core.training.device import choose_device

VERSIONS = ("harmonic-vae", "torch", "torchaudio", "numpy")


def main(arguments: Sequence[str] | None = None) -> None:
    """Make music in all ways, then print one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", metavar="RUN", nargs="?", help="default: the default profile, untrained")
    parser.add_argument("--seconds", type=float, default=96.0, help="of music")
    parser.add_argument("--minutes", type=float, default=Data().demo_minutes, help="how much of the demo music to cut")
    parser.add_argument("--device", default="cpu", help="auto, cpu, cuda or mps")
    options = parser.parse_args(arguments)

    profile, voice = opened(options.run, options.device) if options.run else untrained(options.device)
    count = max(1, round(options.seconds / profile.data.segment_length))
    originals = demo_music(profile, options.minutes, count)
    originals = originals.to(voice.features.window.device)
    mel = voice.features(originals)
    latents = voice.encode(mel).mu
    samples = originals.shape[1]
    ways: dict[str, Callable[[], Tensor]] = {
        "model": lambda: voice.decode(latents).cpu(),
        "vocoder": lambda: sounds(voice, mel),
        "together": lambda: sounds(voice, voice.decode(latents)),
        "piece": lambda: torch.from_numpy(voice.continuous(latents)[0]),
        "torchaudio": lambda: render_as_torchaudio(mel, voice.features, profile.audio, samples).cpu(),
    }
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    made: dict[str, Tensor] = {}
    for _ in progress_over(range(ROUNDS), "making music", console=Console(stderr=True)):
        for name, make in ways.items():
            began = time.perf_counter()
            made[name] = make()
            seconds[name].append(time.perf_counter() - began)
    music_s = {name: originals.numel() / profile.audio.sample_rate for name in ways}
    music_s["piece"] = made["piece"].numel() / profile.audio.sample_rate
    figures: dict[str, dict[str, float]] = {
        name: {"seconds": round(min(taken), 4), "music_s_per_s": round(music_s[name] / min(taken), 2)}
        for name, taken in seconds.items()
    }
    for name in ("vocoder", "torchaudio"):
        figures[name]["mel_db"] = errors(voice.features, originals, made[name].to(originals.device))["mel_db"]
    ours, theirs = figures["vocoder"], figures["torchaudio"]
    line = {
        **figures,
        "speed_ratio": round(ours["music_s_per_s"] / theirs["music_s_per_s"], 4),
        "error_ratio": round(ours["mel_db"] / theirs["mel_db"], 4),
        "music_s": round(music_s["vocoder"], 1),
        "run": options.run,
        "refined": voice.refine is not None,
        "griffin_lim_steps": voice.steps,
        "device": device_name(voice.features.window.device),
        "threads": torch.get_num_threads(),
        "versions": {name: installed(name) for name in VERSIONS},
    }
    sys.stdout.write(json.dumps(line) + "\n")


def opened(run: str, device: str) -> tuple[Profile, Voice]:
    """Profile and voice of a trained model."""
    model = open_model(run, device)
    return model.trained.profile, model.voice()


def untrained(device: str) -> tuple[Profile, Voice]:
    """The default profile, and the voice of a fresh model of it."""
    profile, place = Profile(), choose_device(device)[0]
    torch.manual_seed(profile.run.seed)
    model = build_model(profile.model, profile.audio, profile.segment_frames).to(place).eval()
    features = LogMel(profile.audio).to(place)
    steps, seed = profile.evaluation.griffin_lim_steps, profile.run.seed
    return profile, Voice(model, features, None, 0.0, profile.segment_samples, steps, seed)


def demo_music(profile: Profile, minutes: float, count: int) -> Tensor:
    """So many segments from all over the demo music, as long as the profile's: (count, samples) float."""
    tracks = find_tracks(Data(demo_minutes=minutes), profile.run.seed).tracks
    outcomes = prepare(tracks, profile.audio.sample_rate, Cache(default_cache_dir()), lambda _: None)
    long_enough = [each.cached for each in outcomes if each.cached and each.cached.samples >= profile.segment_samples]
    return cut(long_enough, profile, count)


def sounds(voice: Voice, mels: Tensor) -> Tensor:
    """Sound of mels, (n, n_mels, frames), one after the other: (n, samples) on the CPU."""
    return torch.from_numpy(np.stack([voice.sound_of_mel(mel) for mel in mels]))


def device_name(device: torch.device) -> str:
    """What it is, for people."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type


if __name__ == "__main__":
    main()
