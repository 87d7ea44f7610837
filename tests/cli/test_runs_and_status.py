"""`harmonic runs` and `harmonic status`, on runs that lie there."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from made_up_runs import make_run
from typer.testing import CliRunner, Result

from harmonic_core.cli import app
from harmonic_core.errors import HarmonicError
from harmonic_core.run.status import Preparation, read_status, write_status


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder: empty."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def harmonic(*arguments: str) -> Result:
    """What the command line does with `arguments`."""
    return CliRunner().invoke(app, list(arguments))


def printed(*arguments: str) -> str:
    """What it prints to stdout when all is well."""
    result = harmonic(*arguments)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_without_runs_it_says_how_to_start_one_and_prints_no_result() -> None:
    result = harmonic("runs")
    assert "harmonic train demo" in result.stderr
    assert result.stdout == ""
    assert json.loads(printed("runs", "--json")) == []


def test_runs_lists_both_usual_folders_the_newest_first(place: Path) -> None:
    make_run(place / "runs" / "older", state="finished")
    time_passes(place / "runs" / "older", seconds=-100)
    make_run(place / "output" / "newer", state="failed", best=None)
    header, *rows = printed("runs").splitlines()
    assert header.split() == ["RUN", "STATE", "EPOCH", "BEST", "LAST", "HEARD"]
    assert [row.split()[:3] for row in rows] == [["output/newer", "failed", "3/4"], ["runs/older", "finished", "3/4"]]
    assert "6.25 dB" in rows[1]
    assert "n/a" in rows[0]


def test_runs_looks_where_it_is_told(place: Path) -> None:
    make_run(place / "elsewhere" / "mine")
    assert "elsewhere/mine" in printed("runs", "--root", "elsewhere")
    assert "mine" not in printed("runs")


def test_a_folder_that_is_no_run_is_not_listed(place: Path) -> None:
    (place / "runs" / "notes").mkdir(parents=True)
    make_run(place / "runs" / "real")
    assert [row["name"] for row in json.loads(printed("runs", "--json"))] == ["real"]


def test_a_run_with_an_unreadable_status_is_listed_as_unknown(place: Path) -> None:
    run = make_run(place / "runs" / "torn")
    run.status.write_text('{"state": "trai')
    assert printed("runs").splitlines()[1].split()[:3] == ["runs/torn", "unknown", "0/0"]
    assert printed("status", "torn").startswith("runs/torn: unknown")


@pytest.mark.parametrize("name", ["mine", "runs/mine"])
def test_status_says_in_words_how_a_run_is(place: Path, name: str) -> None:
    make_run(place / "runs" / "mine", alive=True)
    text = printed("status", name)
    assert text.startswith("runs/mine: training\n")
    assert "epoch 3 of 4 (initial stage), step 25 of 40, 62%" in text
    assert "120 segments/s, 2 min to go" in text
    assert "best validation error 6.25 dB at epoch 2 (mean spectrum: 10.50 dB)" in text


def test_a_run_that_prepares_says_how_far_its_music_is(place: Path) -> None:
    told = Preparation(done=412, total=1000, refused=3, audio_s=3.4 * 3600, label="\x1b[31ma.wav", eta_s=120.0)
    early = {"state": "preparing", "epoch": 0, "step": 0, "best": None, "eta_s": None, "phase": "decoding"}
    make_run(place / "runs" / "mine", alive=True, preparation=told, **early)
    words = "412 of 1\N{THIN SPACE}000 files, 3.4 h ready, 3 refused, 2 min left"
    text = printed("status", "mine")
    assert text.startswith(f"runs/mine: preparing\n  {words}\n")
    assert "epoch" not in text
    assert words in printed("runs")
    label = json.loads(printed("status", "mine", "--json"))["preparation"]["label"]
    assert label.isprintable()
    make_run(
        place / "runs" / "ended", preparation=told, **{**early, "state": "failed", "message": "No valid audio files"}
    )
    ended = printed("status", "ended")
    assert "412 of" in ended
    assert "left" not in ended
    assert "No valid audio files" in ended


def test_once_training_has_begun_the_music_is_no_news_any_more(place: Path) -> None:
    make_run(place / "runs" / "mine", alive=True, preparation=Preparation(done=9, total=9))
    assert "files" not in printed("status", "mine")
    assert "files" not in printed("runs")


def test_a_run_whose_trainer_is_gone_is_lost_not_training(place: Path) -> None:
    make_run(place / "runs" / "gone")
    assert printed("status", "gone").startswith("runs/gone: lost")


def test_a_run_that_was_silent_for_a_minute_is_lost_even_if_its_process_is_there(place: Path) -> None:
    make_run(place / "runs" / "silent", alive=True, heartbeat=time.time() - 61)
    assert json.loads(printed("status", "silent", "--json"))["state"] == "lost"


def test_a_run_on_another_host_is_believed_while_its_heart_beats(place: Path) -> None:
    make_run(place / "runs" / "far", host="another-host")
    assert json.loads(printed("status", "far", "--json"))["state"] == "training"


def test_status_as_json_has_the_newest_epoch_of_the_metrics(place: Path) -> None:
    make_run(place / "runs" / "mine", alive=True)
    status = json.loads(printed("status", "mine", "--json"))
    assert status["step"] == 25
    assert status["progress"] == 0.625
    assert status["stage"] == "initial"
    assert status["best"]["val_recon_db"] == 6.25
    assert status["metrics"]["val_recon_db"] == 6.25


def test_figures_that_are_no_numbers_are_still_json(place: Path) -> None:
    run = make_run(place / "runs" / "wild")
    with run.metrics.open("a") as file:
        file.write('{"kind":"epoch","step":30,"epoch":3,"loss":"NaN","val_loss":"Infinity"}\n')
    for text in (printed("status", "wild", "--json"), printed("runs", "--json")):
        json.loads(text, parse_constant=lambda word: pytest.fail(f"{word} is not JSON"))


def test_status_follows_an_ended_run_no_further_than_its_end(place: Path) -> None:
    make_run(place / "runs" / "done", state="finished", message="all 4 epochs done")
    text = printed("status", "done", "--follow")
    assert text.count("runs/done: finished") == 1
    assert "all 4 epochs done" in text


def test_an_unknown_run_is_refused_with_the_names_of_those_there_are(place: Path) -> None:
    make_run(place / "runs" / "mine")
    error = harmonic("status", "mien").exception
    assert isinstance(error, HarmonicError)
    assert str(error) == "'mien': no such run; there are: mine"


def test_escape_codes_in_a_status_or_a_name_never_reach_the_terminal(place: Path) -> None:
    run = make_run(place / "runs" / "evil\x1b[31m", state="failed", message="\x1b]0;owned\x07[red]boom\nnext")
    assert run.exists()
    for arguments in (["runs"], ["status", str(run.path)], ["runs", "--json"], ["status", str(run.path), "--json"]):
        assert all(line.isprintable() for line in printed(*arguments).splitlines())
    assert "[red]boom" in printed("status", str(run.path))


def time_passes(run: Path, seconds: float) -> None:
    """Move the time at which a run was last touched."""
    import os

    path = run / "status.json"
    status = read_status(path)
    assert status is not None
    write_status(path, status)
    moved = time.time() + seconds
    os.utime(path, (moved, moved))
