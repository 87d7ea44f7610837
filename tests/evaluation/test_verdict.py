"""The verdict on a run: on curves of real runs, on made-up noisy ones, and on rows with holes."""

from __future__ import annotations

import json
import math
import random
import re
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harmonic_core.evaluation.advice import figure
from harmonic_core.evaluation.learning_curve import closed_epochs
from harmonic_core.evaluation.verdict import judge
from harmonic_core.profile.explain import FLAGS, find_key
from harmonic_core.profile.resolve import resolve
from harmonic_core.profile.sections import Augment, Loss, Train
from harmonic_core.run.records import Row
from harmonic_core.run.status import State, Verdict

CURVES = Path(__file__).parent / "curves"
RECORDED = sorted(path.stem for path in CURVES.glob("*.json"))
SEEDS = range(4)


class Told(NamedTuple):
    """A run: its rows and its settings."""

    rows: list[Row]
    train: Train
    loss: Loss
    latent_dim: int

    def judge(self, epochs: int | None = None, **changed: Any) -> Verdict | None:
        """Verdict after so many epochs, or after all."""
        return judge(
            self.rows[:epochs],
            **{
                "train": self.train,
                "loss": self.loss,
                "augment": Augment(),
                "latent_dim": self.latent_dim,
                "rising_epochs": self.loss.beta_steps,
                **changed,
            },
        )

    def verdict(self, epochs: int | None = None, **changed: Any) -> Verdict:
        """The same where there must be one."""
        verdict = self.judge(epochs, **changed)
        assert verdict is not None
        return verdict

    def kinds(self) -> list[str]:
        """Verdicts after every epoch."""
        return [self.verdict(epoch).kind for epoch in range(1, len(self.rows) + 1)]


def recorded(name: str) -> Told:
    curve = json.loads((CURVES / f"{name}.json").read_text())
    shared = {"kind": "epoch", "mean_spectrum_db": curve["mean_spectrum_db"]}
    rows = [shared | dict(zip(curve["fields"], values, strict=True)) for values in curve["rows"]]
    return Told(rows, Train(**curve["train"]), Loss(**curve["loss"]), curve["latent_dim"])


def made(errors: Sequence[float], training: Sequence[float] | None = None, planned: int = 1000, **figures: Any) -> Told:
    """A run with beta always at its end, 1.2 nats per dimension and a mean spectrum of 12 dB, if not told otherwise."""
    usual = {"kind": "epoch", "mean_spectrum_db": 12.0, "val_kl_nats": 77.0, "active_units": 60, "beta": 1e-2}
    rows = [
        usual | {"epoch": epoch, "loss": 0.1, "val_recon_db": error, "recon_db": train} | figures
        for epoch, (error, train) in enumerate(zip(errors, training or errors, strict=True), 1)
    ]
    return Told(rows, Train(epochs=planned), Loss(beta_start=1e-2, beta_end=1e-2), 64)


def noisy(curve: Callable[[int], float], epochs: int, noise: float, seed: int) -> list[float]:
    chance = random.Random(seed)
    return [curve(epoch) * (1.0 + chance.gauss(0.0, noise)) for epoch in range(epochs)]


def falling(epoch: int) -> float:
    return 5.0 + 6.0 * math.exp(-epoch / 40.0)


def level(epoch: int) -> float:
    return 6.0 + 6.0 * math.exp(-epoch / 5.0)


def turning(epoch: int) -> float:
    """Best at about epoch 25."""
    return level(epoch) + 0.05 * max(0, epoch - 25)


# Real runs


@pytest.mark.parametrize(
    ("name", "kind", "sentence"),
    [
        ("healthy", "improving", r"Still improving: −\d\.\d+ % over the last \d+ epochs\."),
        ("weak_kl", "weak_kl", "KL too weak to sample from"),
        ("overfitting", "overfitting", r"Overfitting since epoch \d+:"),
        ("collapsed", "collapsed", "Latent collapsed"),
        ("diverged", "diverged", "Diverged in epoch 1:"),
        ("level", "plateau", r"Plateau since epoch \d+: more epochs would bring little\."),
        ("beta_too_high", "noisy", "Noisy output, because beta is too high"),
        ("too_short", "early", r"Training was too short to tell: 3 epochs\."),
        ("nothing_held_out", "improving", "Still improving"),
    ],
)
def test_the_end_of_a_real_run_gets_its_verdict(name: str, kind: str, sentence: str) -> None:
    verdict = recorded(name).verdict()
    assert verdict.kind == kind
    assert re.match(sentence, verdict.sentence)


def test_a_healthy_run_hears_nothing_but_that_it_improves() -> None:
    assert recorded("healthy").kinds() == ["early"] * 4 + ["improving"] * 96


def test_overfitting_is_told_soon_and_not_taken_back() -> None:
    kinds = recorded("overfitting").kinds()
    first = kinds.index("overfitting")
    assert first < 20
    assert set(kinds[first:]) == {"overfitting"}


def test_overfitting_names_the_epoch_from_which_the_error_rose() -> None:
    told = recorded("overfitting")
    since = int(re.findall(r"since epoch (\d+)", told.verdict().sentence)[0])
    best = min(told.rows, key=lambda row: row["val_recon_db"])["epoch"]
    assert abs(since - best) <= 3
    assert "harmonic_vae_best.pt" in told.verdict().evidence


def test_a_collapsed_latent_is_told_as_soon_as_a_good_run_would_not_look_the_same() -> None:
    assert recorded("collapsed").kinds() == ["early"] * 4 + ["collapsed"] * 11


def test_a_collapse_names_its_units_its_nats_and_a_usual_beta() -> None:
    verdict = recorded("collapsed").verdict()
    assert "0 of 8 units active" in verdict.evidence
    assert re.search(r"KL 0\.\d+ nats a segment", verdict.evidence)
    assert verdict.action == "Try `--beta-start 0.01 --beta-end 0.01` (now 100 and 100)."


def test_no_plateau_and_no_overfitting_while_beta_rises_and_the_error_with_it() -> None:
    told = recorded("beta_too_high")
    kinds = told.kinds()[:30]
    assert set(kinds) == {"early", "improving"}
    assert told.verdict(28).sentence == "Too early to tell: beta rises until epoch 30."


def test_a_weak_kl_is_told_only_once_beta_had_the_time_to_act() -> None:
    kinds = recorded("weak_kl").kinds()
    assert "weak_kl" not in kinds[:19]
    assert set(kinds[20:]) == {"weak_kl"}


def test_a_weak_kl_asks_for_the_beta_that_gave_good_samples_on_the_same_music() -> None:
    told = recorded("weak_kl")
    # The same model on the same music had 1.5 nats per dimension and the best samples at 2e-3.
    assert told.verdict().action in {f"Try `--beta-end 0.00{digit}` (now 0.0001)." for digit in (1, 2, 3)}


def test_a_level_curve_is_no_plateau_while_the_learning_rate_has_yet_to_fall() -> None:
    told = recorded("level")
    kinds = told.kinds()
    assert "plateau" not in kinds[:60]
    assert told.verdict(34).sentence == "Level since epoch 22, but the learning rate has yet to fall."
    constant = told.train.model_copy(update={"learning_rate_schedule": "constant"})
    assert told.verdict(34, train=constant).kind == "plateau"


def test_without_validation_the_evidence_says_that_nothing_is_held_out() -> None:
    told = recorded("nothing_held_out")
    assert told.verdict().evidence == "Training error (nothing is held out) 9.91 dB."


@pytest.mark.parametrize("name", RECORDED)
def test_every_verdict_has_evidence_in_three_digits_and_ends_its_sentences(name: str) -> None:
    told = recorded(name)
    for epochs in range(1, len(told.rows) + 1):
        verdict = told.verdict(epochs)
        assert re.search(r"\d dB", verdict.evidence)
        assert not re.search(r"\d\.?\d\.?\d\.?\d dB", verdict.evidence)
        assert all(text.endswith(".") for text in (verdict.sentence, verdict.evidence, verdict.action) if text)


# What it advises


def advised(action: str) -> list[str]:
    """Settings that an action asks for, as `KEY=VALUE`; fails where a flag does not exist."""
    command = re.findall(r"`(--[^`]*)`", action)
    wanted = []
    for flag, value in re.findall(r"--([a-z-]+)(?: ([^ -][^ ]*))?", " ".join(command)):
        if flag == "set":
            wanted.append(value)
        else:
            assert flag.replace("-", "_") in FLAGS
            key = find_key(flag)
            assert key is not None
            wanted.append(f"{key[0]}.{key[1]}={value or 'true'}")
    return wanted


ADVISED = {
    "weak without beta": (made([6.0] * 30, val_kl_nats=400.0), {"loss": Loss(beta_start=0, beta_end=0)}),
    "weak by free bits": (made([6.0] * 30, val_kl_nats=400.0), {"loss": Loss(beta_start=1e-2, free_bits=5)}),
    "weak with MSE": (made([6.0] * 30, val_kl_nats=400.0), {"loss": Loss(beta_start=1e-2, reconstruction="mse")}),
    "collapsed without beta": (
        made([12.0] * 30, active_units=0, val_kl_nats=0.01, beta=0.0),
        {"loss": Loss(beta_start=0, beta_end=0)},
    ),
    "overfitting with augmentation": (
        made([turning(epoch) for epoch in range(80)], [falling(epoch) for epoch in range(80)]),
        {"augment": Augment(augment=True)},
    ),
    "overfitting with all augmentation": (
        made([turning(epoch) for epoch in range(80)], [falling(epoch) for epoch in range(80)]),
        {"augment": Augment(augment=True, augment_strength=1.0)},
    ),
    "stuck": (made([10.0] * 40), {}),
    "unlike": (made([10.0] * 40, [5.0] * 40), {}),
    "level at the end": (made([6.0] * 40, planned=40), {}),
    "too few epochs": (made([6.0] * 4, planned=4), {}),
    **{name: (recorded(name), {}) for name in RECORDED if name != "nothing_held_out"},
}


@pytest.mark.parametrize("name", ADVISED)
def test_advice_can_be_followed_as_it_stands(name: str) -> None:
    told, changed = ADVISED[name]
    action = told.verdict(**changed).action
    assert action.startswith("Try `--")
    assert "(now " in action
    followed = resolve(None, settings=advised(action), environ={}).profile
    assert followed.train.epochs >= told.train.epochs or "epochs" not in action


@pytest.mark.parametrize(
    ("name", "action"),
    [
        ("weak without beta", r"--beta-end \S+` \(now 0\)"),
        ("weak by free bits", r"--set loss\.free_bits=\S+` \(now 5\)"),
        ("collapsed without beta", r"--set loss\.free_bits=\S+` \(now 0\)"),
        ("overfitting with augmentation", r"--augment-strength 1` \(now 0\.5\)"),
        ("overfitting with all augmentation", r"--set train\.weight_decay=0\.1` \(now 0\.01\)"),
        ("overfitting", r"--augment` \(now off\)"),
        ("diverged", r"--learning-rate 0\.001` \(now 10\)"),
        ("too_short", r"--epochs 50` \(now 3\)"),
        ("healthy", r"--epochs 200` \(now 100\)"),
    ],
)
def test_advice_goes_by_the_settings_in_force(name: str, action: str) -> None:
    told, changed = ADVISED[name]
    assert re.search(action, told.verdict(**changed).action)


def test_while_a_run_improves_the_one_thing_to_do_is_to_wait() -> None:
    assert recorded("healthy").verdict(60).action == "Let it go on."


def test_a_plateau_before_the_last_epoch_says_how_to_stop_unless_the_run_will_by_itself() -> None:
    told = made([6.0] * 60)
    assert told.verdict().action == "End it with `harmonic control RUN stop`."
    stopping = told.verdict(train=Train(epochs=1000, early_stopping=100))
    assert stopping.action == "Let it go on: it ends by itself after 100 epochs without a gain."


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (6.4517, "6.45"),
        (12, "12.0"),
        (0.000123456, "0.000123"),
        (123.4, "123"),
        (1234.5, "1230"),
        (5.09e19, "5.09e+19"),
    ],
)
def test_figures_have_three_significant_digits(value: float, text: str) -> None:
    assert figure(value) == text


# Noise


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("noise", [0.0, 0.01, 0.03])
def test_a_noisy_curve_that_falls_keeps_improving(noise: float, seed: int) -> None:
    assert made(noisy(falling, 100, noise, seed)).kinds()[5:] == ["improving"] * 95


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("noise", [0.0, 0.01, 0.03])
def test_a_noisy_level_curve_is_a_plateau_however_well_training_goes(noise: float, seed: int) -> None:
    told = made(noisy(level, 150, noise, seed), noisy(falling, 150, noise, seed + 100))
    kinds = told.kinds()
    assert set(kinds[90:]) <= {"plateau", "improving"}
    assert kinds[90:].count("plateau") >= 40
    assert kinds[-1] == "plateau"
    assert sum(before != after for before, after in pairwise(kinds)) <= 6


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("noise", [0.0, 0.01, 0.03])
def test_overfitting_is_heard_through_noise_and_keeps_its_epoch(noise: float, seed: int) -> None:
    told = made(noisy(turning, 100, noise, seed), noisy(falling, 100, noise / 2, seed + 100))
    kinds = told.kinds()
    assert "overfitting" not in kinds[:25]
    assert set(kinds[60:]) == {"overfitting"}
    assert 5 <= int(re.findall(r"\d+", told.verdict().sentence)[0]) <= 36


def test_learning_by_heart_is_overfitting_though_the_held_out_error_does_not_rise() -> None:
    told = made([7.0 - 0.005 * epoch for epoch in range(60)], [6.5 - 0.06 * epoch for epoch in range(60)])
    verdict = told.verdict()
    assert verdict.kind == "overfitting"
    assert re.match(r"Learning by heart since epoch \d+: little ", verdict.sentence)
    assert "keeps the best" not in verdict.evidence
    assert 25 <= int(re.findall(r"\d+", verdict.sentence)[0]) <= 35


def test_a_run_whose_newest_epoch_is_its_best_does_not_overfit() -> None:
    errors = [17.14, 17.91, 18.39, 18.24, 18.45, 18.24, 17.40, 16.53]
    training = [11.0, 10.5, 10.0, 9.5, 9.0, 8.5, 8.0, 7.5]
    told = made(errors, training, planned=8, mean_spectrum_db=20.0)
    assert told.verdict(7).kind == "overfitting"
    assert told.verdict().kind != "overfitting"
    risen = made([*(turning(epoch) for epoch in range(60)), 5.9], [falling(epoch) for epoch in range(61)])
    assert risen.verdict(60).kind == "overfitting"
    assert risen.verdict().kind != "overfitting"
    assert "worse by now" not in made([*(turning(epoch) for epoch in range(60)), 5.9]).verdict().sentence


def test_the_figures_of_overfitting_are_those_of_single_epochs() -> None:
    errors, training = [turning(epoch) for epoch in range(63)], [falling(epoch) for epoch in range(63)]
    errors[30], errors[62], training[62] = 5.91, 8.55, 5.55
    verdict = made(errors, training).verdict()
    assert verdict.kind == "overfitting"
    assert verdict.evidence.startswith("Held-out error 5.91 dB in epoch 31, now 8.55 dB; ")
    since = int(re.findall(r"since epoch (\d+)", verdict.sentence)[0])
    then = figure(training[since - 1])
    assert f"training error {then} dB in epoch {since}, now 5.55 dB" in verdict.evidence


def test_held_out_music_that_is_merely_harder_is_no_overfitting() -> None:
    errors = [falling(epoch) for epoch in range(60)]
    assert made(errors, [0.6 * error for error in errors]).verdict().kind == "improving"


def test_a_single_spike_at_the_end_says_nothing() -> None:
    told = made([falling(epoch) for epoch in range(59)] + [300.0])
    assert told.verdict().kind == "improving"


def test_an_error_that_rises_with_the_training_error_is_no_overfitting() -> None:
    verdict = made([turning(epoch) for epoch in range(60)]).verdict()
    assert verdict.kind == "plateau"
    assert re.fullmatch(r"Plateau since epoch \d+, and worse by now: you can stop\.", verdict.sentence)
    assert verdict.action == "Try `--learning-rate 0.0001` (now 0.001)."


# What comes first


def test_what_is_worse_is_told_first() -> None:
    overfitting = made(
        [turning(epoch) for epoch in range(80)], [falling(epoch) for epoch in range(80)], val_kl_nats=400.0
    )
    assert overfitting.verdict().kind == "overfitting"
    assert overfitting.verdict(state="diverged").kind == "diverged"
    collapsed = [row | {"val_kl_nats": 0.01, "active_units": 0} for row in overfitting.rows]
    assert overfitting._replace(rows=collapsed).verdict().kind == "collapsed"
    assert made([10.0] * 60, val_kl_nats=400.0).verdict().kind == "weak_kl"
    assert made([10.0] * 60).verdict().kind == "noisy"
    assert made([6.0] * 60).verdict().kind == "plateau"


def test_few_active_units_are_no_fault_where_the_error_is_low() -> None:
    assert made([falling(epoch) for epoch in range(60)], active_units=5).verdict().kind == "improving"
    assert made([11.0] * 60, active_units=5).verdict().kind == "collapsed"


def test_a_latent_of_two_dimensions_can_be_sampled_at_any_rate_of_its_own() -> None:
    told = made([6.0] * 60, val_kl_nats=9.0)._replace(latent_dim=2)
    assert told.verdict().kind == "plateau"


def test_held_out_music_unlike_the_rest_is_a_reason_for_noise() -> None:
    assert made([10.0] * 40, [5.0] * 40).verdict().sentence == (
        "Noisy output, because the held-out music is unlike what was trained on."
    )


@pytest.mark.parametrize("planned", range(1, 5))
@pytest.mark.parametrize(
    "figures",
    [
        {"val_kl_nats": 0.01, "active_units": 0},
        {"val_kl_nats": 0.5, "active_units": 64},
        {"val_kl_nats": 400.0},
        {"recon_db": 1.0},
    ],
)
def test_of_a_run_of_a_few_epochs_is_told_only_that_it_was_too_short(planned: int, figures: dict[str, float]) -> None:
    verdict = made([11.5, 11.9, 11.6, 11.7][:planned], planned=planned, **figures).verdict(state="finished")
    epochs = f"{planned} epoch{'s' * (planned > 1)}"
    assert (verdict.kind, verdict.sentence) == ("early", f"Training was too short to tell: {epochs}.")
    assert verdict.action == f"Try `--epochs 50` (now {planned})."


def test_a_run_of_one_epoch_can_still_have_diverged() -> None:
    assert made([1e6], planned=1).verdict().kind == "diverged"
    assert made([11.0], planned=1).verdict(state="diverged").kind == "diverged"


def test_a_latent_whose_units_are_nearly_all_active_has_collapsed_only_where_its_kl_says_nothing() -> None:
    def kind(active: int, nats: float) -> str:
        return made([11.0] * 30, active_units=active, val_kl_nats=nats).verdict().kind

    assert kind(64, 0.8) == kind(56, 0.8) == "noisy"
    assert kind(64, 0.05) == "collapsed"
    assert kind(32, 0.8) == "collapsed"


# When it is over

RESUME = "Go on with `harmonic train --resume-from RUN"
OVER: list[State] = ["stopped", "failed", "finished"]


@pytest.mark.parametrize("state", OVER)
@pytest.mark.parametrize("epochs", [1, 4, 8, 30, 60, 90])
@pytest.mark.parametrize("name", ["healthy", "level", "beta_too_high", "nothing_held_out"])
def test_a_run_that_is_over_is_not_told_to_wait_or_to_end(name: str, epochs: int, state: State) -> None:
    verdict = recorded(name).verdict(epochs, state=state)
    assert "Let it go on" not in verdict.action
    assert "harmonic control" not in verdict.action
    assert "you can stop" not in verdict.sentence
    assert verdict.action


def test_a_run_that_was_stopped_while_it_improved_can_be_gone_on_with() -> None:
    verdict = recorded("healthy").verdict(60, state="stopped")
    assert verdict.kind == "improving"
    assert verdict.action == f"{RESUME}`."


def test_a_run_that_ended_early_goes_on_only_without_early_stopping() -> None:
    told = recorded("healthy")
    assert told.verdict(4, state="finished").sentence == "Too early to tell: 4 epochs of 100."
    for epochs in (4, 60):
        assert told.verdict(epochs, state="finished").action == f"{RESUME} --early-stopping 0`."


def test_a_run_that_was_over_on_a_plateau_is_to_be_heard() -> None:
    told = made([6.0] * 60)
    for state in OVER:
        verdict = told.verdict(state=state, train=Train(epochs=1000, early_stopping=100))
        assert verdict.kind == "plateau"
        assert verdict.sentence.endswith(": more epochs would bring little.")
        assert re.match(r"Try `--beta|Listen to its samples", verdict.action)


@pytest.mark.parametrize("name", ["healthy", "level", "too_short", "beta_too_high"])
def test_after_the_last_epoch_it_is_all_the_same_whether_the_end_was_written_yet(name: str) -> None:
    told = recorded(name)
    assert told.verdict() == told.verdict(state="finished") == told.verdict(state="stopped")


def test_errors_at_another_beta_are_not_compared() -> None:
    told = made([6.0 - 0.01 * epoch for epoch in range(40)] + [7.0 - 0.02 * epoch for epoch in range(40)])
    falling_on = [6.0 - 0.01 * epoch for epoch in range(80)]
    rows = [
        row | {"beta": 1e-3 if row["epoch"] <= 40 else 1e-2, "recon_db": training}
        for row, training in zip(told.rows, falling_on, strict=True)
    ]
    assert told._replace(rows=rows).verdict().kind == "improving"
    assert told._replace(rows=[row | {"beta": 1e-2} for row in rows]).verdict().kind == "overfitting"


# Rows with holes


def test_before_the_first_epoch_there_is_no_verdict_but_divergence() -> None:
    told = made([])
    assert told.judge() is None
    assert told._replace(rows=[{"kind": "step", "epoch": 1, "step": 2, "loss": 0.2}]).judge() is None
    verdict = told.verdict(state="diverged")
    assert (
        verdict.sentence == "Diverged in the first epoch: loss, gradient or error ran away, or is no number any more."
    )
    assert verdict.action == "Try `--learning-rate 0.0001` (now 0.001)."


def test_a_run_that_gave_up_after_going_back_claims_nothing_of_the_figures_that_went() -> None:
    verdict = made([]).verdict(state="diverged", rollbacks=3)
    assert (
        verdict.sentence == "Diverged in the first epoch: loss, gradient or error ran away, or is no number any more."
    )
    assert verdict.evidence == "Went back 3 times, each time to half the learning rate, no epoch's loss is on record."
    kept = made([11.0, 10.0]).verdict(state="diverged", rollbacks=1)
    assert kept.sentence == "Diverged after epoch 2: loss, gradient or error ran away, or is no number any more."
    assert kept.evidence == "Last loss on record 0.100, went back once to half the learning rate."


def test_one_epoch_is_too_early_to_tell() -> None:
    assert made([11.0]).verdict().sentence == "Too early to tell: 1 epoch of 1000."


@pytest.mark.parametrize("field", ["loss", "val_loss"])
@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_last_loss_that_is_no_number_is_divergence_and_an_earlier_one_is_not(field: str, value: float) -> None:
    told = made([falling(epoch) for epoch in range(30)])
    broken = {field: value, "val_recon_db": value, "recon_db": value, "skipped": 4}
    last = [*told.rows[:-1], told.rows[-1] | broken]
    verdict = told._replace(rows=last).verdict()
    assert verdict.kind == "diverged"
    assert "updates skipped 4" in verdict.evidence
    earlier = [*told.rows[:20], told.rows[20] | broken, *told.rows[21:]]
    assert told._replace(rows=earlier).verdict().kind == "improving"


@pytest.mark.parametrize("missing", ["val_kl_nats", "active_units", "beta", "mean_spectrum_db", "recon_db", "loss"])
@pytest.mark.parametrize("name", ["healthy", "overfitting", "level"])
def test_a_figure_that_is_missing_or_none_harms_nothing_that_does_not_need_it(name: str, missing: str) -> None:
    told = recorded(name)
    without = [{field: value for field, value in row.items() if field != missing} for row in told.rows]
    nothing = [row | {missing: None} for row in told.rows]
    kinds = {told._replace(rows=rows).verdict().kind for rows in (without, nothing)}
    whole = told.verdict().kind
    assert kinds <= {whole, "weak_kl"} if (name, missing) == ("overfitting", "recon_db") else kinds == {whole}


def test_epochs_that_come_again_after_a_resume_take_the_place_of_the_first_ones() -> None:
    rows = [{"kind": "epoch", "epoch": epoch, "again": again} for again in (0, 1) for epoch in range(1 + 3 * again, 7)]
    assert [(row["epoch"], row["again"]) for row in closed_epochs(rows[:-1])] == [
        (1, 0),
        (2, 0),
        (3, 0),
        (4, 1),
        (5, 1),
    ]


def test_a_hundred_thousand_epochs_are_judged() -> None:
    verdict = made(noisy(level, 100_000, 0.02, 0), planned=200_000).verdict()
    assert verdict.kind == "plateau"


figures = st.one_of(
    st.none(), st.floats(), st.integers(-(10**9), 10**9), st.booleans(), st.text(max_size=3), st.lists(st.floats())
)
fields = st.sampled_from(
    [
        *("loss", "val_loss", "recon_db", "val_recon_db", "kl_nats", "val_kl_nats", "active_units", "beta"),
        *("mean_spectrum_db", "grad_norm", "skipped", "learning_rate"),
    ]
)
row = st.fixed_dictionaries(
    {"kind": st.sampled_from(["epoch", "epoch", "epoch", "step"]), "epoch": st.one_of(st.integers(0, 60), figures)}
).flatmap(lambda head: st.dictionaries(fields, figures).map(lambda more: head | more))


@settings(max_examples=100, deadline=None)
@given(
    rows=st.lists(row, max_size=60),
    state=st.sampled_from(["training", "finished", "stopped", "diverged"]),
    epochs=st.integers(1, 100),
)
def test_whatever_a_row_holds_the_verdict_is_words(rows: list[Row], state: State, epochs: int) -> None:
    told = Told(rows, Train(epochs=epochs), Loss(), 16)
    verdict = told.judge(state=state)
    assert verdict is None or (verdict.sentence and verdict.evidence and verdict.sentence.endswith("."))
