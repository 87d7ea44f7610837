"""The feed: what is new in a run, once."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from recorded_evaluation import PROMISING, record_evaluation, report_at
from recorded_run import NOW, Recording, metric_rows, record_run, record_samples, status_of
from watching import alive

from harmonic_core.run.directory import RunDirectory
from harmonic_core.run.records import encode_row, keep_rows
from harmonic_core.run.status import write_status
from harmonic_tui.runs.feed import Feed
from harmonic_tui.runs.messages import EvaluationRead, FiguresRead, LogRead, ProfileRead, SamplesFound, StatusSeen

TRAINING = Recording(state="training", epochs_done=5)


def feed_of(run: RunDirectory) -> Feed:
    return Feed(run, clock=lambda: NOW)


def state_of(feed: Feed) -> str:
    (message,) = feed.status()
    assert isinstance(message, StatusSeen)
    return message.seen.state


def test_everything_is_told_once_and_then_nothing_until_something_changes() -> None:
    feed = feed_of(record_run(Path("run"), alive(Recording(state="training", sample_epochs=(10,)))))
    sources = (feed.status, feed.figures, feed.events, feed.samples, feed.log, feed.profile)
    assert [len(source()) for source in sources] == [1, 1, 1, 1, 1, 1]
    assert [len(source()) for source in sources] == [0, 0, 0, 0, 0, 0]


def test_a_mere_heartbeat_is_no_news() -> None:
    recording = alive(TRAINING)
    run = record_run(Path("run"), recording)
    feed = feed_of(run)
    assert state_of(feed) == "training"
    write_status(run.status, status_of(recording, metric_rows(recording)).model_copy(update={"heartbeat": NOW - 0.5}))
    assert feed.status() == []


def test_a_run_whose_trainer_is_gone_is_lost() -> None:
    assert state_of(feed_of(record_run(Path("run"), TRAINING))) == "lost"


def test_a_heartbeat_that_stays_away_makes_the_run_stale() -> None:
    recording = alive(Recording(state="training", heartbeat=NOW - 23))
    (message,) = feed_of(record_run(Path("run"), recording)).status()
    assert isinstance(message, StatusSeen)
    assert (message.seen.state, message.seen.silent_s) == ("training", 20)


def test_new_rows_come_alone_and_half_a_row_waits() -> None:
    run = record_run(Path("run"), TRAINING)
    feed = feed_of(run)
    feed.figures()
    line = encode_row({"kind": "step", "step": 210, "loss": 0.1})
    with run.metrics.open("ab") as file:
        file.write(line + line[:9])
    (message,) = feed.figures()
    assert isinstance(message, FiguresRead)
    assert [parsed.blocks["step"].steps.tolist() for parsed in message.parsed] == [[210]]
    assert message.curves is None


def test_rows_dropped_on_resume_are_told_as_a_new_beginning() -> None:
    run = record_run(Path("run"), TRAINING)
    feed = feed_of(run)
    feed.figures()
    keep_rows(run.metrics, lambda row: row["step"] <= 80)
    (message,) = feed.figures()
    assert isinstance(message, FiguresRead)
    assert message.curves is not None
    assert message.curves.step("loss").end == 80


def test_a_newer_set_of_samples_takes_the_place_of_the_old_one() -> None:
    run = record_run(Path("run"), Recording(sample_epochs=(10,)))
    feed = feed_of(run)
    feed.samples()
    record_samples(run, 20, ["one"])
    (message,) = feed.samples()
    assert isinstance(message, SamplesFound)
    assert {sample.epoch for sample in message.samples} == {20}


@pytest.mark.parametrize(
    ("profile", "words"),
    [
        ('[data]\ndataset = "gtzan"\ndataset_dir = "here"\n', "gtzan in here"),
        ('[data]\ndataset = "demo"\n', "made by the program itself"),
        ('[data]\ndataset = "custom"\ncustom_dir = "a\\u001b[31mb"\n', "custom in ab"),
        ("[data", ""),
    ],
)
def test_where_the_music_lies_is_told_once_from_the_profile(profile: str, words: str) -> None:
    feed = feed_of(record_run(Path("run"), Recording(profile=profile)))
    (message,) = feed.profile()
    assert isinstance(message, ProfileRead)
    assert message.music == words
    assert feed.profile() == []


@pytest.mark.parametrize(("profile", "parts"), [("[train]\ngrad_accum_steps = 4\n", 4), ("", 1), ("[train", None)])
def test_the_planned_parts_of_a_batch_are_told_from_the_profile(profile: str, parts: int | None) -> None:
    (message,) = feed_of(record_run(Path("run"), Recording(profile=profile))).profile()
    assert isinstance(message, ProfileRead)
    assert message.grad_accum_steps == parts


@pytest.mark.parametrize(
    ("profile", "every", "promised"),
    [
        (PROMISING, 10, 0.4),
        ("[output]\ncheckpoint_every = 3\n", 3, None),
        ("[evaluation]\nevaluation_share = 0\n", 0, None),
        ("[case_study", 0, None),
    ],
)
def test_promises_and_the_time_of_evaluations_are_told_from_the_profile(
    profile: str, every: int, promised: float | None
) -> None:
    (message,) = feed_of(record_run(Path("run"), Recording(profile=profile))).profile()
    assert isinstance(message, ProfileRead)
    assert (message.evaluated_every, message.case_study.get("genre_accuracy")) == (every, promised)


def test_of_many_evaluations_the_newest_is_told_and_none_twice() -> None:
    run = record_run(Path("run"), TRAINING)
    feed = feed_of(run)
    assert feed.evaluations() == []
    record_evaluation(run, report_at(10))
    record_evaluation(run, report_at(20))
    with run.evaluations.open("ab") as file:
        file.write(b'{"kind": "evaluation"}\n{"kind": "eval')
    assert feed.evaluations() == [EvaluationRead(report_at(20))]
    assert feed.evaluations() == []


def test_evaluations_dropped_on_resume_are_told_to_be_so() -> None:
    run = record_run(Path("run"), TRAINING)
    feed = feed_of(run)
    record_evaluation(run, report_at(10))
    record_evaluation(run, report_at(20))
    feed.evaluations()
    keep_rows(run.evaluations, lambda row: row["epoch"] == 10)
    assert feed.evaluations() == [EvaluationRead(report_at(10))]
    keep_rows(run.evaluations, lambda row: False)
    assert feed.evaluations() == [EvaluationRead(None)]


def test_a_directory_that_vanishes_is_said_to_be_gone() -> None:
    run = record_run(Path("run"), TRAINING)
    feed = feed_of(run)
    feed.status()
    shutil.rmtree(run.path)
    assert state_of(feed) == "gone"
    assert feed.figures() == feed.events() == feed.samples() == feed.log() == feed.evaluations() == []


@pytest.mark.parametrize("content", ["", "{", "[]", '{"state": "dreaming"}', "\x00" * 100])
def test_a_status_that_cannot_be_read_is_said_to_be_so(content: str) -> None:
    run = record_run(Path("run"), TRAINING)
    run.status.write_text(content)
    assert state_of(feed_of(run)) == "unreadable"


def test_the_log_is_told_without_its_escape_codes() -> None:
    run = record_run(Path("run"), TRAINING)
    run.console_log.write_text("\x1b[1mone\x1b[0m\n50 %\r100 %\n")
    (message,) = feed_of(run).log()
    assert isinstance(message, LogRead)
    assert message.lines == ["one", "100 %"]


def test_a_trainer_that_ends_before_it_says_anything_has_failed_with_its_exit_code() -> None:
    run = RunDirectory(Path("run"))
    run.path.mkdir()
    process = subprocess.Popen([sys.executable, "-c", "raise SystemExit(2)"])
    feed = Feed(run, clock=lambda: NOW, process=process)
    process.wait()
    (message,) = feed.status()
    assert isinstance(message, StatusSeen)
    assert (message.seen.state, message.seen.exit_code) == ("failed", 2)
