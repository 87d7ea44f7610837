"""Proving that a run is whole and can go on exactly, and finding out that it is not or cannot."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch
from safetensors.torch import load_file, save_file
from tiny_run import Train

from harmonic_core.errors import DiskError, ExitCode, RunError
from harmonic_core.run.directory import RunDirectory
from harmonic_core.run.status import process_identity, read_status, write_status
from harmonic_core.training import checkpoint, loop, proof, replay
from harmonic_core.training.proof import Check
from harmonic_core.training.signals import StoppedError
from harmonic_core.training.update import update_weights
from harmonic_core.training.verify import verify

LAST = "step-00000012"


def verified(run: RunDirectory, **options: Any) -> dict[str, list[Check]]:
    """All checks of a run, by what they are about."""
    found: dict[str, list[Check]] = {}
    for check in verify(run, **options):
        found.setdefault(check.about, []).append(check)
    return found


def outcome(run: RunDirectory, **options: Any) -> dict[str, bool | None]:
    """Whether the last check about each thing holds."""
    return {about: checks[-1].holds for about, checks in verified(run, **options).items()}


def failures(run: RunDirectory, **options: Any) -> list[str]:
    """What is said of everything that does not hold."""
    return [check.message for check in verify(run, **options) if check.holds is False]


def tree(folder: Path) -> dict[Path, tuple[float, bytes]]:
    """Everything below a folder: when it was changed, and its content."""
    return {path: (path.stat().st_mtime_ns, path.read_bytes() if path.is_file() else b"") for path in folder.rglob("*")}


def rewrite(folder: Path, name: str, change: Callable[[Path], None]) -> None:
    """Change a file of a checkpoint as if it had been written like that."""
    change(folder / name)
    manifest = folder / "MANIFEST.json"
    hashes = json.loads(manifest.read_bytes())["sha256"]
    hashes[name] = hashlib.sha256((folder / name).read_bytes()).hexdigest()
    manifest.write_text(json.dumps({"sha256": hashes}))


def tell(folder: Path, **fields: object) -> None:
    """Change what `state.json` says."""

    def change(path: Path) -> None:
        path.write_text(json.dumps({**json.loads(path.read_bytes()), **fields}))

    rewrite(folder, "state.json", change)


def test_a_run_that_nothing_happened_to_holds_in_every_check_and_stays_untouched(finished: RunDirectory) -> None:
    before = tree(finished.path)
    generator = torch.get_rng_state()
    assert outcome(finished) == {"checkpoints": True, "exports": True, "resume": True, "replay": True}
    assert tree(finished.path) == before
    assert torch.equal(torch.get_rng_state(), generator)


@pytest.mark.parametrize(
    "settings",
    [
        ("augment.augment=true", "train.ema_decay=0.9", "train.grad_accum_steps=2"),
        ("train.learning_rate_schedule=plateau", "train.plateau_patience=1", "loss.beta_steps=0"),
        ("data.validation_split=0", "train.mixed_precision=true", "train.log_every=3"),
    ],
)
def test_a_whole_run_replays_through_the_ends_of_its_epochs_to_where_it_was_cut(
    tmp_path: Path, train_in: Train, monkeypatch: pytest.MonkeyPatch, settings: tuple[str, ...]
) -> None:
    def update_and_signal(state: Any, *arguments: Any, **named: Any) -> bool:
        if state.step == 10:
            signal.raise_signal(signal.SIGTERM)
        # Like this the update is made all the same, and the run ends in the middle of its third epoch.
        return update_weights(state, *arguments, **{**named, "stopped": lambda: False})

    run = RunDirectory(tmp_path / "run")
    monkeypatch.setattr(loop, "update_weights", update_and_signal)
    # Good moments are saved when there is time, and must not drive out the beginning.
    outputs = ("output.checkpoint_every=100", "output.keep=10")
    assert train_in(run.path, *settings, *outputs) == ExitCode.TERMINATED
    monkeypatch.undo()
    for between in checkpoint.checkpoint_steps(run)[1:-1]:
        shutil.rmtree(run.checkpoints / f"step-{between:08d}")
    checks = verified(run)
    assert all(check.holds for each in checks.values() for check in each)
    assert checks["replay"][0].message == "11 updates from step 0 give again the bytes of the checkpoint of step 11"


def altered(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-9] ^= 1
    path.write_bytes(content)


def truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-9])


def emptied(path: Path) -> None:
    path.write_bytes(b"")


@pytest.mark.parametrize("name", ["model.safetensors", "optim.safetensors", "rng.safetensors", "state.json"])
@pytest.mark.parametrize(
    ("damage", "word"),
    [(altered, "altered"), (truncated, "truncated"), (emptied, "truncated"), (Path.unlink, "missing")],
)
def test_a_file_that_is_not_what_was_written_is_named_with_what_became_of_it(
    finished: RunDirectory, monkeypatch: pytest.MonkeyPatch, name: str, damage: Callable[[Path], None], word: str
) -> None:
    monkeypatch.setattr("harmonic_core.training.verify._replays", lambda *_: iter(()))
    damage(finished.checkpoints / LAST / name)
    (message,) = failures(finished)
    assert message.startswith(f"checkpoints/{LAST}/{name}: {word}")


def test_all_bad_files_are_named_and_the_replay_begins_at_the_last_whole_checkpoint(finished: RunDirectory) -> None:
    for name in ("model.safetensors", "profile.toml"):
        altered(finished.checkpoints / LAST / name)
    checks = verified(finished)
    *bad, rest = checks["checkpoints"]
    assert [check.message.split(":")[0] for check in bad] == [
        f"checkpoints/{LAST}/{name}" for name in ("model.safetensors", "profile.toml")
    ]
    assert rest.holds
    assert "from step 8" in checks["resume"][0].message
    assert checks["resume"][0].holds


def test_a_lost_manifest_a_foreign_file_and_a_renamed_folder_are_found(finished: RunDirectory) -> None:
    folder = finished.checkpoints / LAST
    shutil.copytree(folder, finished.checkpoints / "step-00000099")
    shutil.copytree(folder, finished.checkpoints / "step-00000098")
    (finished.checkpoints / "step-00000098" / "ema.safetensors").write_bytes(b"")
    (folder / "MANIFEST.json").write_text("{")
    found = "\n".join(failures(finished))
    assert f"{LAST}/MANIFEST.json: truncated or altered" in found
    assert "step-00000098/ema.safetensors: not of this checkpoint" in found
    assert "step-00000099/state.json: is that of step 12" in found


def test_a_manifest_cannot_lead_out_of_its_folder(finished: RunDirectory) -> None:
    manifest = finished.checkpoints / LAST / "MANIFEST.json"
    hashes = json.loads(manifest.read_bytes())["sha256"]
    manifest.write_text(json.dumps({"sha256": {**hashes, "../\x1b[31m": "0"}}))
    (message,) = failures(finished)
    assert "is no file of a checkpoint" in message
    assert "\x1b" not in message


@pytest.mark.parametrize("damage", [truncated, emptied])
def test_an_export_that_is_not_whole_is_named(finished: RunDirectory, damage: Callable[[Path], None]) -> None:
    damage(finished.export("epoch_2"))
    (message,) = failures(finished)
    assert message.startswith("harmonic_vae_epoch_2.pt: ")


def test_a_changed_weight_in_an_export_is_found_by_its_checksum(finished: RunDirectory) -> None:
    path = finished.export("best")
    content = bytearray(path.read_bytes())
    weights = torch.load(path, weights_only=True)["model"]
    first = max(weights.values(), key=torch.Tensor.numel).numpy().tobytes()
    content[content.index(first) + 5] ^= 1
    path.write_bytes(content)
    (message,) = failures(finished)
    assert message.startswith("harmonic_vae_best.pt: altered")


def test_what_a_checkpoint_does_not_bring_back_is_found_by_the_tensor_and_its_difference(
    finished: RunDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoint, "_restore_optimizer", lambda state, tensors: None)
    found = verified(finished)["resume"][0]
    assert found.holds is False
    assert "model.safetensors" in found.message
    assert "optim.safetensors" in found.message
    assert "tensors differ, most of all" in found.message
    assert "(by up to " in found.message
    assert "does not hold the whole state" in found.message


def test_weights_that_no_replay_leads_to_are_found(finished: RunDirectory) -> None:
    def nudge(path: Path) -> None:
        weights = load_file(path)
        next(each for name, each in sorted(weights.items()) if name.endswith("weight")).view(-1)[0] += 0.25
        save_file(weights, path)

    rewrite(finished.checkpoints / LAST, "model.safetensors", nudge)
    found = verified(finished)
    assert found["checkpoints"][0].holds
    assert found["resume"][0].holds
    assert found["replay"][0].holds is False
    assert "model.safetensors: 1 of " in found["replay"][0].message
    assert "(by up to 0.25)" in found["replay"][0].message


@pytest.mark.parametrize("field", ["best", "plateau", "interval", "epoch_means", "rate_scale", "bad"])
def test_a_position_that_no_replay_leads_to_is_found(finished: RunDirectory, field: str) -> None:
    others = {
        "best": {"epoch": 1, "step": 4, "val_loss": 0.0, "val_recon_db": 0.0},
        "plateau": {"factor": 0.5, "best_db": None, "since_best": 0, "since_change": 0},
        "rate_scale": 0.5,
        "bad": [3, 0, 0],
    }
    tell(finished.checkpoints / LAST, **{field: others.get(field, {"sums": [1.0] * 5, "good": 1, "count": 1})})
    found = verified(finished)["replay"][0]
    assert found.holds is False
    assert f"state.json: {field} is " in found.message


def test_a_device_that_does_not_repeat_itself_is_told_from_a_broken_checkpoint(
    finished: RunDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance = torch.Generator()
    chance.seed()

    def update_like_atomics(state: Any, *arguments: Any, **named: Any) -> bool:
        made = update_weights(state, *arguments, **named)
        with torch.no_grad():
            next(state.model.parameters()).add_(1e-6 * torch.rand((), generator=chance))
        return made

    monkeypatch.setattr(replay, "update_weights", update_like_atomics)
    found = verified(finished)
    for about in ("resume", "replay"):
        assert found[about][0].holds is False
        assert "two equal replays differ as well" in found[about][0].message
        assert "nature of this device" in found[about][0].message


def test_other_music_of_as_many_steps_is_told_from_a_broken_checkpoint(finished: RunDirectory) -> None:
    tell(finished.checkpoints / LAST, music="another fingerprint")
    found = verified(finished)
    assert found["music"][0].holds is False
    assert "files were added, removed or changed" in found["music"][0].message
    assert found["resume"][0].holds
    assert found["replay"][0].holds is None


def test_music_that_grew_is_told_from_a_broken_checkpoint_and_music_that_is_gone_is_named(
    tmp_path: Path, train_in: Train
) -> None:
    folder, run = tmp_path / "music", RunDirectory(tmp_path / "run")

    def compose(*numbers: int) -> None:
        folder.mkdir(exist_ok=True)
        for number in numbers:
            noise = np.random.default_rng(number).normal(0, 0.1, 8000 * 6)
            soundfile.write(folder / f"{number}.wav", noise, 8000)

    compose(1, 2, 3)
    train_in(run.path, "data.dataset=custom", f"data.custom_dir={folder}", "train.epochs=2")
    assert "music" not in outcome(run)
    compose(4, 5, 6, 7)
    assert outcome(run)["music"] is False
    shutil.rmtree(folder)
    (message,) = failures(run)
    assert str(folder) in message


def test_a_replay_that_need_not_come_out_the_same_is_left_out_with_the_reason(
    finished: RunDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    def add_a_rank(path: Path) -> None:
        generators = load_file(path)
        save_file({**generators, "1/cpu": generators["0/cpu"].clone()}, path)

    monkeypatch.setattr(proof, "FEW_STEPS", 3)
    (far,) = verified(finished)["replay"]
    assert far.holds is None
    assert "4 updates lie between them; `--full`" in far.message
    assert outcome(finished, full=True)["replay"] is True
    rewrite(finished.checkpoints / LAST, "rng.safetensors", add_a_rank)
    (ranks,) = verified(finished, full=True)["replay"]
    assert ranks.holds is None
    assert "2 ranks trained it" in ranks.message


def test_settings_that_changed_between_the_last_two_checkpoints_are_named(
    finished: RunDirectory, train_in: Train
) -> None:
    train_in(finished.path, "train.epochs=4", "train.learning_rate=2e-3", resume_from=finished.path)
    (left_out,) = verified(finished)["replay"]
    assert left_out.holds is None
    assert "settings changed in between: train.epochs, train.learning_rate" in left_out.message


def test_a_single_checkpoint_is_enough_for_all_but_the_replay(finished: RunDirectory) -> None:
    for folder in finished.checkpoints.glob("step-*"):
        if folder.name != LAST:
            shutil.rmtree(folder)
    assert outcome(finished) == {"checkpoints": True, "exports": True, "resume": True, "replay": None}


def test_a_run_without_a_whole_checkpoint_fails_and_replays_nothing(finished: RunDirectory) -> None:
    shutil.rmtree(finished.checkpoints)
    assert outcome(finished) == {"checkpoints": False, "exports": True}


def test_a_run_that_a_trainer_works_on_is_left_alone(finished: RunDirectory) -> None:
    status = read_status(finished.status)
    assert status is not None
    now = {**process_identity(os.getpid()), "state": "paused", "heartbeat": time.time()}
    write_status(finished.status, status.model_copy(update=now))
    with pytest.raises(RunError, match="is paused: verify it when no trainer"):
        list(verify(finished))


def test_it_can_be_given_up(finished: RunDirectory) -> None:
    asked = iter([False] * 12)
    with pytest.raises(StoppedError):
        list(verify(finished, stopped=lambda: next(asked, True)))


def test_a_full_temporary_folder_is_named(finished: RunDirectory, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_room(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(proof, "write_checkpoint", no_room)
    with pytest.raises(DiskError, match=rf"{tempfile.gettempdir()}: no space left on device; .*TMPDIR"):
        list(verify(finished))
