"""One update of the weights: its schedule, its parts, and what it measures."""

from __future__ import annotations

import itertools
import math

import pytest
import torch
from torch import Tensor

from harmonic_core.audio.features import LogMel
from harmonic_core.model.build import build_model
from harmonic_core.model.loss import vae_loss
from harmonic_core.profile.sections import Audio, Loss, Model, Train
from harmonic_core.training.schedule import beta, learning_rate
from harmonic_core.training.state import RunningMeans, TrainState
from harmonic_core.training.update import make_state, step_noise, update_weights

AUDIO = Audio(sample_rate=8_000, n_fft=512, hop_length=256, n_mels=32)
CPU = torch.device("cpu")
GOOD = torch.tensor(True)


class FixedBatches:
    """Seven half seconds of noise, the same for a step whenever it is asked for."""

    batch_size = 7
    part = slice(0, 7)

    def batch(self, step: int) -> Tensor:
        """(7, 4000) int16."""
        generator = torch.Generator().manual_seed(step)
        loudness = torch.rand((7, 1), generator=generator)
        return (3_000 * loudness * torch.randn((7, 4_000), generator=generator)).to(torch.int16)


def updated(train: Train, *, updates: int = 1, weight: float = 0.5, rate: float = 1e-3) -> TrainState:
    torch.manual_seed(0)
    features = LogMel(AUDIO)
    model = build_model(Model(hidden_dims=(16, 16), latent_dim=8), AUDIO, 16)
    state = make_state(model, train, CPU)
    for _ in range(updates):
        update_weights(
            state,
            FixedBatches(),  # type: ignore[arg-type]
            features,
            train=train,
            loss=Loss(),
            seed=3,
            learning_rate=rate,
            beta=weight,
        )
    return state


def gradient(state: TrainState) -> Tensor:
    """What the first update of AdamW keeps: a tenth of the clipped gradient."""
    return torch.cat([entry["exp_avg"].flatten() for entry in state.optimizer.state.values()])


@pytest.mark.parametrize("parts", [2, 3, 7, 50])
def test_a_batch_in_parts_gives_the_update_of_the_whole_batch(parts: int) -> None:
    whole, divided = updated(Train()), updated(Train(grad_accum_steps=parts))
    torch.testing.assert_close(gradient(divided), gradient(whole), atol=1e-6, rtol=0)
    assert divided.epoch_means.take() == pytest.approx(whole.epoch_means.take(), rel=1e-4)


def test_the_same_step_and_seed_give_the_same_update_and_noise() -> None:
    first, second = updated(Train(), updates=3), updated(Train(), updates=3)
    for name, tensor in first.model.state_dict().items():
        assert torch.equal(tensor, second.model.state_dict()[name])
    assert torch.equal(step_noise(1, 5, (4, 8)), step_noise(1, 5, (4, 8)))
    assert not torch.equal(step_noise(1, 5, (4, 8)), step_noise(1, 6, (4, 8)))
    assert not torch.equal(step_noise(1, 5, (4, 8)), step_noise(2, 5, (4, 8)))
    assert step_noise(2**32 - 1, 10**6, (4, 8)).isfinite().all()


def test_the_measured_figures_are_those_of_the_loss_before_the_update() -> None:
    state = updated(Train())
    means = state.interval.take()
    torch.manual_seed(0)
    features = LogMel(AUDIO)
    model = build_model(Model(hidden_dims=(16, 16), latent_dim=8), AUDIO, 16)
    mel = features(FixedBatches().batch(0))
    reconstruction, posterior = model(mel, step_noise(3, 0, (7, 8)))
    terms = vae_loss(mel, reconstruction, posterior, 0.5, "l1")
    for name in ("loss", "recon", "mel_l1", "kl"):
        assert means[name] == pytest.approx(getattr(terms, name).item(), rel=1e-5)
    assert means["grad_norm"] > 0
    assert state.step == 1


def test_a_gradient_above_the_limit_is_scaled_down_to_it_and_measured_before() -> None:
    tight = updated(Train(grad_clip=1e-3))
    assert gradient(tight).norm().item() == pytest.approx(0.1 * 1e-3, rel=1e-3)
    assert tight.interval.take()["grad_norm"] == pytest.approx(updated(Train()).interval.take()["grad_norm"])


def test_mixed_precision_keeps_the_weights_in_full_and_stays_near() -> None:
    mixed, full = updated(Train(mixed_precision=True), updates=3), updated(Train(), updates=3)
    assert {parameter.dtype for parameter in mixed.model.parameters()} == {torch.float32}
    assert mixed.interval.take()["loss"] == pytest.approx(full.interval.take()["loss"], rel=0.05)


def test_running_means_are_means_and_survive_being_stored() -> None:
    means = RunningMeans(("a", "b"), CPU)
    means.add(torch.tensor([1.0, 0.1]), GOOD)
    means.add(torch.tensor([3.0, 0.2]), GOOD)
    stored = RunningMeans(("a", "b"), CPU)
    stored.restore(means.state())
    assert stored.take() == means.take() == {"a": 2.0, "b": pytest.approx(0.15), "skipped": 0}
    assert means.count == 0


def test_running_means_of_another_version_begin_anew() -> None:
    means = RunningMeans(("a", "b"), CPU)
    means.restore({"sums": [1.0], "good": 1, "count": 1})
    means.add(torch.tensor([3.0, 0.2]), GOOD)
    assert means.take() == {"a": 3.0, "b": pytest.approx(0.2), "skipped": 0}


def test_running_means_leave_bad_updates_out_and_count_them() -> None:
    means = RunningMeans(("a",), CPU)
    means.add(torch.tensor([2.0]), GOOD)
    means.add(torch.tensor([math.nan]), ~GOOD)
    assert means.take() == {"a": 2.0, "skipped": 1}
    means.add(torch.tensor([math.inf]), ~GOOD)
    none = means.take()
    assert math.isnan(none["a"])
    assert none["skipped"] == 1


def rates(train: Train, steps: int) -> list[float]:
    return [learning_rate(train, step, steps) for step in range(steps + 1)]


def test_the_learning_rate_rises_in_a_line_and_falls_along_a_cosine() -> None:
    train = Train(learning_rate=1e-2, warmup_steps=50, final_learning_rate=0.1)
    course = rates(train, 1_000)
    assert course[0] == pytest.approx(1e-2 / 50)
    assert course[24] == pytest.approx(0.5e-2)
    assert course[49] == course[50] == max(course) == pytest.approx(1e-2)
    assert course[525] == pytest.approx(1e-2 * 0.55)
    assert course[-1] == pytest.approx(1e-3)
    assert all(before < after for before, after in itertools.pairwise(course[:50]))
    assert all(before > after for before, after in itertools.pairwise(course[50:]))


def test_without_warm_up_the_highest_rate_comes_first() -> None:
    assert rates(Train(learning_rate=0.5, warmup_steps=0), 100)[0] == 0.5


@pytest.mark.parametrize("steps", [1, 2, 7, 30])
def test_a_very_short_run_has_rates_too(steps: int) -> None:
    assert all(0 < rate <= 1e-3 for rate in rates(Train(warmup_steps=500), steps))


def test_beta_rises_in_a_line_and_then_stays() -> None:
    loss = Loss(beta_start=1e-4, beta_end=1e-2, beta_steps=20)
    assert beta(loss, 0) == 1e-4
    assert beta(loss, 10) == pytest.approx((1e-4 + 1e-2) / 2)
    assert beta(loss, 20) == beta(loss, 500) == pytest.approx(1e-2)
    course = [beta(loss, epochs / 4) for epochs in range(100)]
    assert course == sorted(course)
    assert beta(loss.model_copy(update={"beta_steps": 0}), 0) == 1e-2
