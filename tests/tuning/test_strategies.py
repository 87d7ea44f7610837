"""What is tried, and in which order; shown on trainers that train nothing."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest
from programs import Programs

from harmonic_core.run.studies import Study, Trial, read_study

pytestmark = pytest.mark.slow

SMALL = "tune.space={latent_dim=[64, 128], beta_end=[0.01, 0.1], learning_rate=[1e-4, 1e-3]}"


def study_in(directory: Path) -> Study:
    """The study of a directory."""
    study = read_study(directory)
    assert study is not None
    return study


def both_of(trial: Trial) -> tuple[Any, Any]:
    """Size of the latent and beta."""
    return trial.params["model.latent_dim"], trial.params["loss.beta_end"]


def by_stage(study: Study) -> dict[str, list[Trial]]:
    """Trials of each stage, in the order of their numbers."""
    grouped = itertools.groupby(study.trials, key=lambda trial: trial.stage)
    return {stage: list(trials) for stage, trials in grouped}


def test_stages_begin_with_the_profile_sweep_latent_and_beta_and_refine_from_the_best(
    stubbed: Programs, studies: Path
) -> None:
    done = stubbed.run("tune", "demo", "--strategy", "stages", "--objective", "recon_db", "--pruner", "none")
    assert "stages takes up to 17 trials" in done.stderr
    study = study_in(studies / "demo")
    stages = by_stage(study)
    assert list(stages) == ["baseline", "sweep latent_dim × beta_end", "refine hidden_dims", "refine learning_rate"]
    (baseline,) = stages["baseline"]
    # The profile's own beta is none of those that are tried.
    assert (baseline.params["model.latent_dim"], "loss.beta_end" in baseline.params) == (256, False)
    swept = [both_of(each) for each in stages["sweep latent_dim × beta_end"]]
    assert sorted(swept) == list(itertools.product((64, 128, 256), (0.001, 0.01, 0.1)))
    # By the stub's figures a wide latent and a small beta have the smallest error.
    for refined in ("refine hidden_dims", "refine learning_rate"):
        assert {(each.params["model.latent_dim"], each.params["loss.beta_end"]) for each in stages[refined]} == {
            (256, 0.001)
        }
    assert len({each.params["model.hidden_dims"] for each in stages["refine hidden_dims"]}) == 3
    rates = {each.params["train.learning_rate"] for each in stages["refine learning_rate"]}
    assert len(rates | {baseline.params["train.learning_rate"]}) == 5
    assert study.state == "finished"
    assert study.best_command.startswith("harmonic train demo --set model.latent_dim=256 --set loss.beta_end=0.001")
    assert "(sweep latent_dim × beta_end)" in done.stdout


def test_stages_begin_with_the_profile_as_it_is_also_where_the_space_has_not_got_what_it_has(
    stubbed: Programs, studies: Path
) -> None:
    space = "tune.space={latent_dim=[32, 64], learning_rate=[0.1, 0.2]}"
    command = ["tune", "demo", "--strategy", "stages", "--set", space, "--objective", "recon_db", "--pruner", "none"]
    done = stubbed.run(*command)
    assert "trial-0000: (baseline); " in done.stderr
    # By the stub's figures nothing in that space is as good.
    assert [trial.params for trial in study_in(studies / "demo").trials] == [
        {},
        {"model.latent_dim": 32},
        {"model.latent_dim": 64},
        {"train.learning_rate": 0.1},
        {"train.learning_rate": 0.2},
    ]


def test_a_study_that_is_continued_in_another_way_takes_no_trial_for_what_it_is_not(
    stubbed: Programs, studies: Path
) -> None:
    command = ["tune", "demo", "--set", "tune.space={latent_dim=[64, 128, 256]}", "--pruner", "none"]
    for strategy, trials in (("grid", "3"), ("stages", "4"), ("stages", "6"), ("grid", "9")):
        stubbed.run(*command, "--strategy", strategy, "--trials", trials)
    stages = by_stage(study_in(studies / "demo"))
    assert [len(trials) for trials in stages.values()] == [3, 1, 2]
    assert list(stages) == ["", "baseline", "sweep latent_dim"]
    assert stages["baseline"][0].params == {"model.latent_dim": 256}


def test_stages_that_were_stopped_go_on_where_they_were(stubbed: Programs, studies: Path) -> None:
    command = ["tune", "demo", "--strategy", "stages", "--set", SMALL, "--pruner", "none"]
    stubbed.run(*command, "--study", "whole")
    for trials in ("2", "4", "50"):
        stubbed.run(*command, "--study", "parts", "--trials", trials)
    whole, parts = study_in(studies / "whole"), study_in(studies / "parts")
    assert [trial.params for trial in parts.trials] == [trial.params for trial in whole.trials]


def test_a_stage_waits_for_the_one_before_also_with_several_workers(stubbed: Programs, studies: Path) -> None:
    command = ["tune", "demo", "--strategy", "stages", "--set", SMALL, "--pruner", "none"]
    stubbed.run(*command, "--study", "alone")
    stubbed.run(*command, "--study", "together", "--workers", "3")
    alone, together = study_in(studies / "alone"), study_in(studies / "together")
    assert sorted(map(str, (t.params for t in together.trials))) == sorted(map(str, (t.params for t in alone.trials)))


def test_a_grid_has_every_combination_once_whoever_tries_it(stubbed: Programs, studies: Path) -> None:
    space = "tune.space={latent_dim=[64, 128], learning_rate={low=1e-4, high=1e-2, log=true}}"
    command = ["tune", "demo", "--strategy", "grid", "--set", space, "--pruner", "none"]
    some = stubbed.run(*command, "--trials", "3")
    assert "grid takes 10 trials; with --trials 3 only the first of them are done" in some.stderr
    stubbed.run(*command, "--workers", "3")
    trials = study_in(studies / "demo").trials
    rates = (1e-4, 0.000316, 1e-3, 0.00316, 1e-2)
    found = [(trial.params["model.latent_dim"], trial.params["train.learning_rate"]) for trial in trials]
    assert sorted(found) == list(itertools.product((64, 128), rates))  # type: ignore[type-var]


def test_what_depends_on_the_architecture_is_chosen_with_it(stubbed: Programs, studies: Path) -> None:
    dims = "hidden_dims={harmonic=[[], [128, 256]], dense=[[512, 256]]}"
    space = f"tune.space={{{dims}, architecture=['harmonic', 'dense'], kernel_size={{harmonic=[5, 7]}}}}"
    stubbed.run("tune", "demo", "--strategy", "grid", "--set", space, "--study", "grid", "--pruner", "none")
    found = [tuple(trial.params.items()) for trial in study_in(studies / "grid").trials]
    harmonic = itertools.product(("[]", "[128, 256]"), (5, 7))
    assert sorted(map(dict, found), key=str) == sorted(
        [
            {"model.architecture": "dense", "model.hidden_dims": "[512, 256]"},
            *(
                {"model.architecture": "harmonic", "model.hidden_dims": dims, "model.kernel_size": size}
                for dims, size in harmonic
            ),
        ],
        key=str,
    )
    stubbed.run("tune", "demo", "--trials", "12", "--set", space, "--study", "tpe", "--pruner", "none")
    for trial in study_in(studies / "tpe").trials:
        is_dense = trial.params["model.architecture"] == "dense"
        assert (trial.params["model.hidden_dims"] == "[512, 256]") == is_dense
        assert ("model.kernel_size" in trial.params) != is_dense


def test_chance_is_another_one_with_another_seed_and_the_same_with_the_same(stubbed: Programs, studies: Path) -> None:
    command = ["tune", "demo", "--strategy", "random", "--trials", "3", "--pruner", "none"]
    for name, seed in (("one", "1"), ("again", "1"), ("other", "2")):
        stubbed.run(*command, "--study", name, "--seed", seed)
    one, again, other = ([t.params for t in study_in(studies / name).trials] for name in ("one", "again", "other"))
    assert one == again != other
