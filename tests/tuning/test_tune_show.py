"""`harmonic tune show`: what studies there are, and everything about one of them."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from programs import Programs
from written_studies import OBJECTIVES, TRADED, a_study, said, trial, write

from harmonic_core.errors import ProfileError
from harmonic_core.run.directory import RunDirectory
from harmonic_core.run.status import Status, process_identity, write_status
from harmonic_core.run.studies import Process, Study, study_file

MANY = [
    *(trial(number, values=pair, stage="baseline") for number, pair in enumerate(TRADED)),
    trial(4, "pruned", values=(6.5,), epoch=9, reason="after epoch 9", stage="sweep"),
    trial(5, "failed", reason="diverged, exit status 4: no number " * 5, stage="sweep"),
    trial(6, "running", stage="refine", retry_of=3),
]
IMPORTANCE = {
    "recon_db": {"model.latent_dim": 0.7, "train.learning_rate": 0.3},
    "mel_fd": {"train.learning_rate": 0.9, "model.latent_dim": 0.1},
}


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder: empty; the terminal has 80 columns."""
    monkeypatch.setenv("COLUMNS", "80")
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "here"


def searching(**changes: object) -> Study:
    """A search in its midst, with a trial of every kind."""
    me = Process(**process_identity(os.getpid()))
    trials = [*MANY[:-1], MANY[-1].model_copy(update={"worker": me, "host": me.host})]
    return a_study(trials, state="searching", supervisor=me, workers=(me,), wanted=20, **changes)


def test_every_trial_has_its_state_values_settings_stage_and_reason_within_80_columns() -> None:
    write(searching(importance=IMPORTANCE, importance_trials=5))
    told = said("show", "wide")
    # A command stays on its line, so that it can be copied.
    assert all(len(line) <= 80 or line.startswith("harmonic ") for line in told.splitlines())
    rows = [line.split() for line in told.splitlines()]
    assert ["#", "STATE", "ERROR", "dB", "MEL-FD", "dB²", "KL", "nats", "EPOCH", "STAGE"] in rows
    assert ["◆", "2", "complete", "5.20", "400", "120", "30", "baseline"] in rows
    assert ["◇", "0", "complete", "6.00", "300", "120", "30", "baseline"] in rows
    assert ["3", "complete", "5.90", "1000", "120", "30", "baseline"] in rows
    assert ["4", "pruned", "6.50", "–", "120", "9", "sweep"] in rows
    assert ["latent_dim=256", "learning_rate=0.00045"] in rows
    assert "after epoch 9" in told
    assert "diverged, exit status 4" in told
    assert f"supervised by process {os.getpid()} on" in told
    assert "trial 3 taken up again" in " ".join(told.split())


def test_state_budget_space_importance_front_and_command_are_told() -> None:
    write(searching(importance=IMPORTANCE, importance_trials=5))
    told = said("show", "wide")
    rows = [line.split() for line in told.splitlines()]
    assert ["state", "searching"] in rows
    assert "trials      4 complete, 1 pruned, 1 failed, 1 running; 20 wanted" in told
    assert ["each", "trial", "30", "epochs"] in rows
    assert "searched    train.learning_rate: 0.0001 to 0.002, by ratio" in told
    assert f"(process {os.getpid()})" in told
    assert ["train.learning_rate", "30", "%", "90", "%"] in rows
    assert "◆ trial 2: the knee of the Pareto front" in told
    assert "harmonic train demo --set data.demo_minutes=0.5 --set model.latent_dim=256" in told


def test_a_wide_terminal_has_the_settings_beside_the_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    write(searching())
    line = next(line for line in said("show", "wide").splitlines() if line.startswith("◆"))
    assert line.endswith("latent_dim=256  learning_rate=0.00045")


def test_of_a_running_trial_the_epoch_is_told_from_its_run() -> None:
    directory = write(searching())
    run = RunDirectory(directory / "trial-0006")
    run.path.mkdir()
    status = Status(
        state="training",
        started_at=0.0,
        heartbeat=0.0,
        epoch=12,
        epochs=30,
        **process_identity(os.getpid()),
    )
    write_status(run.status, status)
    assert "12/30" in said("show", "wide")


def test_json_is_the_whole_document() -> None:
    study = searching(importance=IMPORTANCE, importance_trials=5, front=(1, 2, 0), best=2)
    write(study)
    document = json.loads(said("show", "wide", "--json"))
    assert Study.model_validate(document) == study
    assert document["path"] == "output/tuning/wide"
    assert document["recommended"] == 2
    assert document["numbers"] == {"complete": 4, "pruned": 1, "failed": 1, "running": 1}
    assert document["figures"] == []


def test_json_has_null_for_what_is_no_finite_number() -> None:
    write(a_study([trial(0, values=(5.0, 400.0), kl_nats=None), trial(1, "failed", values=(None, None))]))
    file = study_file(Path("output/tuning/wide"))
    file.write_text(file.read_text().replace("400.0", "Infinity"))
    for told in (said("show", "wide", "--json"), said("best", "wide", "--json")):
        assert "Infinity" not in told
        assert "NaN" not in told
    assert json.loads(said("show", "wide", "--json"))["trials"][0]["values"] == {"recon_db": 5.0, "mel_fd": None}


def test_a_search_whose_process_is_gone_is_lost_and_how_it_goes_on_is_told() -> None:
    me = Process(**process_identity(os.getpid()))
    gone = me.model_copy(update={"process_start": 1.0})
    write(a_study(MANY, state="searching", supervisor=gone))
    told = said("show", "wide")
    assert "state       lost" in told
    assert told.splitlines()[-1].startswith("harmonic tune demo --trials 7")
    assert json.loads(said("show", "wide", "--json"))["state"] == "lost"


def test_without_a_name_all_studies_are_listed_the_newest_first() -> None:
    write(searching())
    write(a_study(name="one", objectives=OBJECTIVES[:1], trials=[]))
    os.utime(study_file(Path("output/tuning/one")), (1.0, 1.0))
    broken = write(a_study(name="broken"))
    study_file(broken).write_text("{")
    os.utime(study_file(broken), (0.0, 0.0))
    rows = [line.split() for line in said("show").splitlines()]
    assert rows[0] == ["STUDY", "STATE", "TRIALS", "BEST", "CHANGED"]
    assert [row[:6] for row in rows[1:]] == [
        ["wide", "searching", "6/20", "5.20", "dB", rows[1][5]],
        ["one", "finished", "0", "–", rows[2][4], rows[2][5]],
        ["broken", "unreadable", "–", "–", "–"],
    ]
    listed = json.loads(said("show", "--json"))
    assert [each["name"] for each in listed] == ["wide", "one", "broken"]
    assert listed[0]["state"] == "searching"


def test_without_any_study_it_says_how_one_is_begun(harmonic: Programs) -> None:
    done = harmonic.run("tune", "show")
    assert done.stdout == ""
    assert done.stderr == "There are no studies below output/tuning. `harmonic tune demo` begins one.\n"
    assert json.loads(harmonic.run("tune", "show", "--json").stdout) == []


def test_figures_are_drawn_into_the_study_or_where_one_says() -> None:
    directory = write(searching())
    told = said("show", "wide", "--figures")
    for name in ("importance", "history", "pareto"):
        assert f"drawn: {directory}/figures/{name}.png" in told
    assert {path.name for path in (directory / "figures").iterdir()} == {
        "importance.png",
        "history.png",
        "pareto.png",
    }
    document = json.loads(said("show", "--figures", "pictures", "wide", "--json"))
    assert document["figures"] == [f"pictures/{name}.png" for name in ("importance", "history", "pareto")]
    assert len(list(Path("pictures").iterdir())) == 3
    with pytest.raises(ProfileError, match="name it"):
        said("show", "--figures")


def test_strings_from_outside_are_shown_as_plain_text() -> None:
    bad = trial(0, "failed", reason="\x1b[2J[red]", params={"model.\x1b[31mx": "\x07[bold]"}, stage="\x1b]0;x\x07")
    write(a_study([bad], message="\x1b[31m", space={"\x1b": "\x1b"}, budget="\x1b", profile="\x1b"))
    told = said("show", "wide")
    assert all(line.isprintable() for line in told.splitlines())
    assert "[red]" in told


def test_showing_a_study_needs_neither_torch_nor_optuna(harmonic: Programs) -> None:
    write(searching(), harmonic.place / "output" / "tuning")
    code = (
        "import sys; from harmonic_core.cli import main\n"
        "sys.argv[1:] = ['tune', 'show', 'wide', '--figures']\n"
        "main_ended = None\n"
        "try: main()\n"
        "except SystemExit as end: assert not end.code\n"
        "assert not {'torch', 'optuna', 'librosa'} & set(sys.modules), sorted(sys.modules)\n"
    )
    python = Programs(harmonic.place, harmonic.environment, (harmonic.command[0], "-c", code))
    assert "pareto.png" in python.run().stdout
