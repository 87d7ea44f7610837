"""What is said of a latent: what it tells apart, and how smoothly it leads from one music to another."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from harmonic_core.evaluation.latent_space import principal_shares, smoothness, tell_apart
from harmonic_core.model.vae import VAE, Posterior

TRACKS = np.array([f"track {number}" for number in range(24) for _ in range(5)])
GENRES = np.array([f"genre {number % 4}" for number in range(24) for _ in range(5)])


def latents(of_genre: float, of_track: float, seed: int = 1) -> NDArray[np.float32]:
    """Eight dimensions in which genres and tracks lie so far apart, over noise."""
    random = np.random.default_rng(seed)
    genre, track = random.standard_normal((4, 8)), random.standard_normal((24, 8))
    places = [of_genre * genre[number % 4] + of_track * track[number] for number in range(24) for _ in range(5)]
    return (np.array(places) + 0.3 * random.standard_normal((120, 8))).astype(np.float32)


def test_genres_that_lie_apart_are_told_apart() -> None:
    told = tell_apart(latents(3.0, 0.3), {"genre": GENRES}, TRACKS)["genre"]
    assert told.neighbours > 0.95
    assert told.probe is not None
    assert told.probe > 0.95
    assert told.silhouette > 0.5
    assert (told.chance, told.values, told.segments) == (0.25, 4, 120)


def test_tracks_that_lie_apart_say_nothing_of_their_genres() -> None:
    told = tell_apart(latents(0.0, 3.0), {"genre": GENRES}, TRACKS)["genre"]
    assert told.neighbours < 0.5
    assert told.probe is not None
    assert told.probe < 0.5


def test_what_is_not_known_or_the_same_everywhere_is_not_asked_about() -> None:
    labels = {"genre": GENRES, "composer": np.full(120, ""), "source": np.full(120, "custom")}
    assert tell_apart(latents(1.0, 1.0), labels, TRACKS).keys() == {"genre"}


def test_shares_of_variance_add_up_to_all_of_it() -> None:
    mu = np.zeros((50, 12), np.float32)
    mu[:, 3] = np.random.default_rng(2).standard_normal(50)
    assert principal_shares(mu) == pytest.approx({1: 1.0, 5: 1.0, 10: 1.0})
    assert principal_shares(np.zeros((50, 12), np.float32)) == {1: 0.0, 5: 0.0, 10: 0.0}


class Decoder(VAE):
    """Every mel is a function of the first number of the latent."""

    def __init__(self, jump: bool) -> None:
        super().__init__(4, 3, 2)
        self.jump = jump

    def encode(self, mel: Tensor) -> Posterior:
        """Nobody asks."""
        raise NotImplementedError

    def decode(self, z: Tensor) -> Tensor:
        """A level, or a jump between two."""
        level = (z[:, :1] > 0.5).float() if self.jump else z[:, :1]
        return level.unsqueeze(2).expand(-1, self.n_mels, self.frames)


@pytest.mark.parametrize(("jump", "evenness"), [(False, 1.0), (True, 1 / 8)])
def test_a_path_that_jumps_is_uneven(jump: bool, evenness: float) -> None:
    model = Decoder(jump)
    mu = torch.tensor([[0.0, 0.0], [1.0, 0.0]]).repeat(4, 1)
    found = smoothness(model, mu, model.decode(mu), np.array(["a", "b"] * 4), seed=3)
    assert found is not None
    assert found.evenness == pytest.approx(evenness, abs=0.01)


def test_of_a_single_track_there_is_no_way_to_another() -> None:
    model = Decoder(jump=False)
    mu = torch.rand(3, 2)
    assert smoothness(model, mu, model.decode(mu), np.array(["a"] * 3), seed=3) is None
