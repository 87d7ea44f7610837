"""Models that train for the same wall-clock time on the same tracks, in turns of a few seconds."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor

from harmonic_core.audio.features import LogMel
from harmonic_core.data.cache import Cache, CachedTrack, default_cache_dir
from harmonic_core.data.loading import BatchLoader
from harmonic_core.data.prepare import prepare
from harmonic_core.data.segments import TrainingSegments, ValidationSegments
from harmonic_core.data.sources import find_tracks
from harmonic_core.data.split import split_tracks
from harmonic_core.evaluation.validation import typical_mels
from harmonic_core.model.build import build_model
from harmonic_core.model.listening import Listening
from harmonic_core.profile.sections import Data, Loss, Model, Profile, Train
from harmonic_core.training.schedule import learning_rate
from harmonic_core.training.state import TrainState
from harmonic_core.training.update import make_state, update_weights

TURN_S = 3.0
HELD_OUT = 0.2
SHORTEST_S = 3.0
BETA = 1e-3
SCHEDULE_STEPS = 100_000
MOST_HELD_OUT = 400


@dataclass
class Ground:
    """What all contend on.

    Attributes
    ----------
    training, held_out
        Segments; whole tracks are held out.
    features
        The analysis of the default profile.
    mels
        Of training segments: what models begin with.
    """

    training: TrainingSegments
    held_out: ValidationSegments
    features: LogMel
    mels: list[Tensor]

    @property
    def words(self) -> str:
        """How much there is, in a line."""
        held_out = len({cached.track.title for cached, _ in self.held_out.places})
        return (
            f"{len(self.training.tracks)} tracks to train on, {held_out} held out, "
            f"{len(self.held_out)} held-out segments"
        )


def prepare_ground(directory: Path, seed: int) -> Ground:
    """Decode the audio under a folder and hold a fifth of its tracks out."""
    profile = Profile()
    data = Data(dataset="custom", custom_dir=(directory,), validation_split=HELD_OUT)
    music = find_tracks(data, seed)
    outcomes = prepare(music.tracks, profile.audio.sample_rate, Cache(default_cache_dir()), lambda _: None)
    usable: list[CachedTrack] = [
        each.cached for each in outcomes if each.cached and each.facts and each.facts.seconds >= SHORTEST_S
    ]
    split = split_tracks(usable, data, seed)
    segments = TrainingSegments(split.training, profile.segment_samples, seed)
    features = LogMel(profile.audio)
    return Ground(
        segments,
        ValidationSegments(split.validation, profile.segment_samples, MOST_HELD_OUT),
        features,
        typical_mels(segments, features, 32),
    )


@dataclass
class Contender:
    """A model in training, and the time it has had."""

    state: TrainState
    loader: BatchLoader
    listening: Listening
    loss: Loss
    train: Train
    seed: int
    spent_s: float = field(default=0.0)

    @property
    def steps_per_s(self) -> float:
        """Updates in a second of its own time."""
        return self.state.step / self.spent_s

    def take_turn(self, features: LogMel, seconds: float, budget_s: float) -> None:
        """Train for `seconds`; the learning rate follows the share of the budget that is spent."""
        end = time.monotonic() + min(seconds, budget_s - self.spent_s)
        began = last = time.monotonic()
        while last < end:
            spent = (self.spent_s + last - began) / budget_s
            warm = min(1.0, (self.state.step + 1) / max(1, self.train.warmup_steps))
            schedule = Train(**{**self.train.model_dump(), "warmup_steps": 0})
            update_weights(
                self.state,
                self.loader,
                features,
                None,
                self.listening,
                train=self.train,
                loss=self.loss,
                seed=self.seed,
                learning_rate=warm * learning_rate(schedule, round(spent * SCHEDULE_STEPS), SCHEDULE_STEPS),
                beta=BETA,
            )
            last = time.monotonic()
        self.spent_s += last - began


def enter(stack: ExitStack, ground: Ground, model: Model, loss: Loss, train: Train, seed: int = 0) -> Contender:
    """Make a contender with fresh weights; what it holds is let go of with `stack`.

    That a model begins with the music is part of its time.
    """
    profile, cpu = Profile(), torch.device("cpu")
    torch.manual_seed(seed)
    vae = build_model(model, profile.audio, profile.segment_frames)
    began = time.monotonic()
    vae.begin_with(ground.mels)
    spent_s = time.monotonic() - began
    listening = Listening(profile.audio, loss, ground.features)
    state = make_state(vae, train, cpu, listening.weights)
    loader = stack.enter_context(BatchLoader(ground.training, train.batch_size, cpu))
    return Contender(state, loader, listening, loss, train, seed, spent_s)


def rounds_of(seconds: float) -> int:
    """Turns that make up so much time."""
    return max(1, round(seconds / TURN_S))


def take_turns(contenders: Sequence[Contender], features: LogMel, seconds: float) -> None:
    """Let each train for its share of `seconds` once."""
    for contender in contenders:
        contender.take_turn(features, seconds / rounds_of(seconds), seconds)
