"""Two ranks train what one rank trains, and rank 0 alone writes."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from launched import TWO_RANKS, figures, programs_in, tiny_run
from programs import Programs, known_status

from harmonic_core.run.directory import RunDirectory
from harmonic_core.run.records import read_rows

pytestmark = pytest.mark.slow

EPOCHS, STEPS = 14, 56
# Nine held-out segments in batches of four: of the last batch one rank has nothing.
# From chance weights there is much to learn in few updates.
ALIKE = tiny_run(
    train_epochs=EPOCHS,
    train_batch_size=4,
    output_checkpoint_every=7,
    evaluation_max_validation_segments=9,
    model_principal_components="false",
)
LOSSES = ("loss", "recon", "recon_db", "kl", "grad_norm")


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory, audio_cache: Path) -> Iterator[Programs]:
    """The command line, in a folder for all tests of this module."""
    programs = programs_in(tmp_path_factory.mktemp("ranks"), audio_cache)
    yield programs
    programs.end()


@pytest.fixture(scope="module")
def one(programs: Programs) -> RunDirectory:
    """A finished run of one process."""
    programs.run("train", *ALIKE, "--output-dir", "one")
    return RunDirectory(programs.place / "one")


@pytest.fixture(scope="module")
def two(programs: Programs) -> RunDirectory:
    """The same on two ranks."""
    programs.run("train", *ALIKE, "--output-dir", "two", *TWO_RANKS)
    return RunDirectory(programs.place / "two")


def assert_alike(ours: list[dict[str, Any]], theirs: list[dict[str, Any]], relative: float = 1e-4) -> None:
    assert [row["step"] for row in ours] == [row["step"] for row in theirs]
    for our, their in zip(ours, theirs, strict=True):
        for name in LOSSES:
            assert our[name] == pytest.approx(their[name], rel=relative), (name, our["step"])


def test_two_ranks_with_half_the_batch_each_follow_one_rank_with_the_whole(
    one: RunDirectory, two: RunDirectory
) -> None:
    rows = figures(one, "step")
    assert [row["step"] for row in rows] == list(range(1, STEPS + 1))
    assert rows[-1]["loss"] < 0.9 * rows[0]["loss"]
    assert_alike(figures(two, "step"), rows)
    assert_alike(figures(two, "epoch"), figures(one, "epoch"))


def test_validation_is_the_same_where_the_held_out_segments_cannot_be_divided_evenly(
    one: RunDirectory, two: RunDirectory
) -> None:
    ours, theirs = figures(two, "epoch")[0], figures(one, "epoch")[0]
    names = [name for name in theirs if name.startswith("val_")]
    assert len(names) >= 5
    for name in (*names, "mean_spectrum_db"):
        assert ours[name] == pytest.approx(theirs[name], rel=1e-6), name
    assert ours["kl_per_dim"] == pytest.approx(theirs["kl_per_dim"], rel=1e-5)
    assert ours["active_units"] == theirs["active_units"]
    assert ours["recon_db_by_source"] == pytest.approx(theirs["recon_db_by_source"], rel=1e-6)


def test_only_the_first_rank_writes(one: RunDirectory, two: RunDirectory) -> None:
    def names(run: RunDirectory) -> set[str]:
        kept = {f"step-{step:08d}" for step in (STEPS // 2, STEPS)}
        # Between them, good moments are saved when there is time.
        between = [path for path in run.checkpoints.iterdir() if path.name not in kept]
        left = (path for path in run.path.rglob("*") if not {path, *path.parents} & {*between})
        return {str(path.relative_to(run.path)) for path in left}

    assert names(two) == names(one)
    assert len(read_rows(two.metrics)) == STEPS + EPOCHS
    starts = [row for row in read_rows(two.events) if "training from step" in row["message"]]
    assert len(starts) == 1
    assert two.console_log.read_text().count("Epoch 1/") == 1


def test_the_status_tells_of_every_rank(one: RunDirectory, two: RunDirectory) -> None:
    status = known_status(two)
    assert (status.state, status.exit_code, status.step) == ("finished", 0, STEPS)
    assert [rank.rank for rank in status.ranks] == [0, 1]
    assert {rank.host for rank in status.ranks} == {status.host}
    assert all(rank.device.kind == "cpu" and rank.device.resident_bytes for rank in status.ranks)
    assert known_status(one).ranks == ()


@pytest.mark.parametrize(("trained_by", "ranks"), [("two", ()), ("one", TWO_RANKS)], ids=["two-one", "one-two"])
def test_a_run_goes_on_with_another_number_of_ranks(
    programs: Programs, one: RunDirectory, two: RunDirectory, trained_by: str, ranks: tuple[str, ...]
) -> None:
    whole = one if trained_by == "one" else two
    half = RunDirectory(shutil.copytree(whole.path, programs.place / f"{trained_by}-goes-on"))
    programs.run("train", "--resume-from", str(half.checkpoints / f"step-{STEPS // 2:08d}"), *ranks)
    assert known_status(half).state == "finished"
    assert len(known_status(half).ranks) == len(ranks)
    assert_alike(figures(half, "step"), figures(whole, "step"))


def test_torchrun_starts_ranks_just_as_well_and_a_batch_that_cannot_be_halved_is_divided_all_the_same(
    programs: Programs,
) -> None:
    odd = tiny_run(train_epochs=3, train_batch_size=5)
    programs.run("train", *odd, "--output-dir", "odd-one")
    torchrun = Programs(
        programs.place,
        programs.environment,
        (sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", "-m", "harmonic_core"),
    )
    torchrun.run("train", *odd, "--output-dir", "odd-two")
    one, two = RunDirectory(programs.place / "odd-one"), RunDirectory(programs.place / "odd-two")
    assert len(known_status(two).ranks) == 2
    assert_alike(figures(two, "step"), figures(one, "step"))
