"""Run directories as a trainer leaves them, made without one: real files with figures that a real run could have."""

from __future__ import annotations

import json
import math
import socket
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from harmonic_core.run.directory import RunDirectory
from harmonic_core.run.records import Row, encode_row
from harmonic_core.run.samples import Sample, Take, step_folder
from harmonic_core.run.status import Best, Device, Preparation, Rank, State, Status, Verdict, write_status

SAMPLE_RATE = 22_050
STEPS_PER_EPOCH = 40
NOW = 1_780_000_000.0
"""The moment at which recorded runs are looked at."""

GIB = 2**30
CPU = Device(
    kind="cpu",
    name="8-core processor",
    reason="no CUDA device was found",
    resident_bytes=int(1.31 * GIB),
    cpu_percent=187.0,
    total_bytes=int(15.6 * GIB),
    free_bytes=int(10.2 * GIB),
)
GPU = Device(
    kind="cuda",
    name="NVIDIA H100 80GB HBM3",
    uuid="GPU-5b1f9c2e-7a55-4b5e-9d0e-11a2c77e3f2a",
    reason="first CUDA device with room",
    resident_bytes=int(3.1 * GIB),
    cpu_percent=98.0,
    allocated_bytes=int(11.2 * GIB),
    reserved_bytes=int(14.0 * GIB),
    peak_bytes=int(12.8 * GIB),
    retries=0,
    ooms=0,
    total_bytes=int(79.6 * GIB),
    free_bytes=int(63.9 * GIB),
)

IMPROVING = Verdict(
    kind="improving",
    sentence="Still improving: −1.24 % over the last 5 epochs.",
    evidence="Held-out error 6.48 dB, the mean spectrum's 10.7 dB.",
    action="",
)
COLLAPSED = Verdict(
    kind="collapsed",
    sentence="Latent collapsed: all music gives nearly the same sound.",
    evidence="3 of 128 units active, KL 0.410 nats a segment, held-out error 10.6 dB, the mean spectrum's 10.7 dB.",
    action="Try `--beta-end 0.001` (now 0.01).",
)
DIVERGED = Verdict(
    kind="diverged",
    sentence="Diverged by epoch 37: loss or gradient are no numbers any more.",
    evidence="Last loss that was a number 0.0882, gradient norm 0.350, updates skipped 40.0.",
    action="Try `--learning-rate 0.0001` (now 0.001).",
)
DISK_FULL = (
    "disk full: 1.24 GB needed in runs/gtzan_ld128_e100 for the checkpoint of step 1480, 310 MB free; "
    "goes on by itself when there is room"
)


@dataclass(frozen=True)
class Recording:
    """What kind of run to record."""

    state: State = "finished"
    epochs_done: int = 37
    epochs: int = 100
    latent_dim: int = 128
    device: Device = CPU
    why: str = ""
    message: str = ""
    verdict: Verdict | None = IMPROVING
    """What the trainer says of its figures, once an epoch was closed."""
    ranks: tuple[Rank, ...] = ()
    skipped_steps: int = 0
    rollbacks: int = 0
    grad_accum_steps: int = 1
    pid: int = 2**22 + 1
    """Beyond the largest process number: nobody is there."""
    process_start: float = NOW - 4000.0
    boot: str = ""
    host: str = field(default_factory=socket.gethostname)
    heartbeat: float = NOW - 1.0
    sample_epochs: Sequence[int] = (10, 20, 30)
    seconds: float = 0.4
    """Length of the recorded sounds."""
    titles: Sequence[str] = ("jazz.00012, 0:06", "folk-03, 0:12")
    preparation: Preparation | None = None
    refused: Sequence[tuple[str, str]] = (("broken/jazz.00054.wav", "not decodable, the header is damaged"),)
    """Name and reason of every file that was refused."""
    profile: str = '[data]\ndataset = "gtzan"\n'

    @property
    def step(self) -> int:
        """Updates done."""
        return self.epochs_done * STEPS_PER_EPOCH


def ranks_of(number: int, *, hosts: int = 1, device: Device = GPU) -> tuple[Rank, ...]:
    """Ranks of a run that has several: on equal cards, the later ones a little fuller and slower."""
    return tuple(
        Rank(
            rank=rank,
            host=f"node-{'abcdefgh'[rank * hosts // number]}",
            device=device.model_copy(
                update={
                    "allocated_bytes": int((11.2 + 0.3 * rank) * GIB),
                    "uuid": f"GPU-5b1f9c2e-7a55-4b5e-9d0e-11a2c77e3f{rank:02x}" if device.uuid else None,
                }
            ),
            segments_per_s=1310.0 / number - rank,
        )
        for rank in range(number)
    )


PREPARATION = Preparation(
    done=412,
    total=1000,
    refused=3,
    from_cache=120,
    audio_s=3.4 * 3600,
    label="genres/jazz/jazz.00055.wav",
    eta_s=118.0,
    rate=324.0,
)
PREPARING = Recording(
    state="preparing",
    epochs_done=0,
    preparation=PREPARATION,
    refused=(
        ("genres/blues/blues.00003.wav", "libsndfile (wav): the header is damaged"),
        ("genres/jazz/jazz.00054.wav", "ffmpeg (wav): invalid data after 12.3 s"),
        (
            "genres/pop/a very long name of a song that nobody would give to a file.wav",
            "too short: 0.4 s, less than 1 s",
        ),
    ),
)
"""A run that is getting its music ready."""


def record_run(path: Path, recording: Recording = Recording()) -> RunDirectory:
    """Write a whole run directory."""
    run = RunDirectory(path)
    for folder in (run.control, run.checkpoints, run.samples):
        folder.mkdir(parents=True, exist_ok=True)
    run.profile.write_text(recording.profile)
    rows = metric_rows(recording)
    run.metrics.write_bytes(b"".join(map(encode_row, rows)))
    run.events.write_bytes(b"".join(map(encode_row, event_rows(recording))))
    run.console_log.write_text(log_text(rows, recording))
    for epoch in recording.sample_epochs:
        if epoch <= recording.epochs_done:
            record_samples(run, epoch, recording.titles, recording.seconds)
    write_status(run.status, status_of(recording, rows))
    return run


def status_of(recording: Recording, rows: Sequence[Row] = ()) -> Status:
    """The status that belongs to a recording."""
    epoch_rows = [row for row in rows if row["kind"] == "epoch"]
    best = min(epoch_rows, key=lambda row: float(row["val_loss"]), default=None)
    running = recording.state in {"training", "paused"}
    return Status(
        state=recording.state,
        name="recorded",
        profile="gtzan",
        pid=recording.pid,
        process_start=recording.process_start,
        boot=recording.boot,
        host=recording.host,
        started_at=NOW - 3700.0,
        heartbeat=recording.heartbeat,
        phase=f"epoch {recording.epochs_done}" if running else "decoding 50 tracks",
        preparation=recording.preparation,
        step=recording.step,
        total_steps=recording.epochs * STEPS_PER_EPOCH,
        epoch=recording.epochs_done,
        epochs=recording.epochs,
        segments_per_s=1310.0 if recording.step else None,
        eta_s=2520.0 if recording.state == "training" else None,
        device=recording.device,
        best=Best(epoch=best["epoch"], step=best["step"], val_loss=best["val_loss"], val_recon_db=best["val_recon_db"])
        if best
        else None,
        mean_spectrum_db=10.7 if epoch_rows else None,
        verdict=recording.verdict if epoch_rows else None,
        ranks=recording.ranks,
        skipped_steps=recording.skipped_steps,
        rollbacks=recording.rollbacks,
        grad_accum_steps=recording.grad_accum_steps,
        exit_code=0 if recording.state == "finished" else None,
        why=recording.why,
        message=recording.message,
    )


def metric_rows(recording: Recording) -> list[Row]:
    """Rows of a run that learns: noisy, falling, levelling out."""
    chance = np.random.Generator(np.random.PCG64(7))
    rows: list[Row] = []
    for step in range(10, recording.step + 1, 10):
        epoch = math.ceil(step / STEPS_PER_EPOCH)
        row = _figures(step, epoch, recording.latent_dim, float(chance.normal(0.0, 0.02)))
        rows.append({"kind": "step", **row})
        if step % STEPS_PER_EPOCH == 0:
            rows.append(_epoch_row(row, recording.latent_dim, float(chance.normal(0.0, 0.004)), chance))
    return rows


def _figures(step: int, epoch: int, latent_dim: int, noise: float) -> Row:
    progress = step / STEPS_PER_EPOCH
    recon = _recon(progress) * (1 + noise)
    beta = 1e-4 + (1e-2 - 1e-4) * min(1.0, progress / 20)
    kl = 1.9 * (1 - math.exp(-progress / 2)) / (1 + 45 * beta) * (1 + noise)
    return {
        "step": step,
        "epoch": epoch,
        "time": NOW - 3700.0 + 2.4 * step,
        "loss": recon + beta * kl,
        "recon": recon,
        "recon_db": 80 * recon,
        "kl": kl,
        "kl_nats": kl * latent_dim,
        "kl_bits_per_s": kl * latent_dim / math.log(2) / 3.0,
        "beta": beta,
        "beta_per_nat": beta / latent_dim,
        "learning_rate": 1e-3 * 0.5 * (1 + math.cos(math.pi * progress / 100)),
        "grad_norm": 0.35 + 0.9 * math.exp(-progress / 3) * (1 + 5 * noise),
        "segments_per_s": 1310.0,
    }


def _recon(progress: float) -> float:
    return 0.060 + 0.06 * math.exp(-progress / 25) + 0.1 * math.exp(-progress / 4)


def _epoch_row(row: Row, latent_dim: int, noise: float, chance: np.random.Generator) -> Row:
    recon = _recon(row["step"] / STEPS_PER_EPOCH) * (1.02 + 0.002 * row["epoch"] + noise)
    nats = np.sort(chance.gamma(1.2, 0.9, latent_dim))[::-1]
    nats[int(0.93 * latent_dim) :] = 0.0
    return {
        "kind": "epoch",
        **row,
        "val_loss": recon + float(row["beta"]) * float(row["kl"]),
        "val_recon": recon,
        "val_recon_db": 80 * recon,
        "val_kl": row["kl"],
        "val_kl_nats": row["kl_nats"],
        "val_kl_bits_per_s": row["kl_bits_per_s"],
        "kl_per_dim": [round(float(value), 3) for value in chance.permutation(nats)],
        "sparsity": 0.18,
        "active_units": int(0.93 * latent_dim),
        "mean_spectrum_db": 10.7,
    }


def event_rows(recording: Recording) -> list[Row]:
    """Events of a run without incident but for one broken file."""
    started = NOW - 3700.0
    rows: list[Row] = [
        {"time": started, "kind": "phase", "message": "decoding 50 tracks"},
        *(
            refused_row(name, reason, started + 9 + number / 10)
            for number, (name, reason) in enumerate(recording.refused)
        ),
    ]
    if recording.epochs_done:
        rows.append({"time": started + 30, "kind": "phase", "message": "training on 930 tracks, 104 held out"})
    for epoch in (10, 20, 30):
        if epoch <= recording.epochs_done:
            moment = started + 2.4 * epoch * STEPS_PER_EPOCH
            step = epoch * STEPS_PER_EPOCH
            rows.append({"time": moment, "kind": "sample", "message": "8 sounds written in 1.9 s", "step": step})
            rows.append(
                {"time": moment + 2, "kind": "checkpoint", "message": f"step {step}, best so far", "step": step}
            )
    return rows


def refused_row(name: str, reason: str, moment: float = NOW - 3600.0) -> Row:
    """The event of a file that is not used."""
    return {"time": moment, "kind": "refused", "message": f"{name}: {reason}", "title": name}


def log_text(rows: Sequence[Row], recording: Recording) -> str:
    """The trainer's log lines."""
    lines = ["computing on the CPU: no CUDA device was found"]
    lines += [
        f"Epoch {row['epoch']}/{recording.epochs}, Train Loss: {row['loss']:.4f}, "
        f"Val Loss: {row['val_loss']:.4f}, Recon: {row['val_recon']:.4f}, "
        f"KL: {row['beta'] * row['kl']:.4f}, LR: {row['learning_rate']:.5f}"
        for row in rows
        if row["kind"] == "epoch"
    ]
    return "\n".join(lines) + "\n"


def tone(frequency: float, seconds: float) -> NDArray[np.float32]:
    """A quiet tone that begins and ends softly, with a little noise by which each place of it is known."""
    times = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    noise = np.random.Generator(np.random.PCG64(round(frequency))).normal(0.0, 0.05, len(times))
    return ((0.3 * np.sin(2 * np.pi * frequency * times) + noise) * np.hanning(len(times))).astype(np.float32)


def record_samples(run: RunDirectory, epoch: int, titles: Sequence[str], seconds: float = 0.4) -> None:
    """One set of samples: two from the prior, one reconstruction a title. It appears whole, as a trainer's does."""
    step = epoch * STEPS_PER_EPOCH
    folder = run.samples / f".step-{step}.tmp"
    folder.mkdir()
    for index in range(2):
        sound = {"prior": 220.0 * (index + 1)}
        _record_sample(folder, epoch, "prior", index, f"prior {index + 1}", sound, step, seconds)
    for index, title in enumerate(titles):
        takes: dict[Take, float] = {"original": 330.0, "decoded": 440.0, "reconstruction": 550.0}
        _record_sample(folder, epoch, "reconstruction", index, title, takes, step, seconds)
    folder.rename(step_folder(run, step))


def _record_sample(
    folder: Path,
    epoch: int,
    kind: str,
    index: int,
    title: str,
    takes: dict[Take, float],
    step: int,
    seconds: float,
) -> None:
    stem = f"prior-{index}" if kind == "prior" else f"recon-{index}"
    files = {take: f"{stem}.wav" if kind == "prior" else f"{stem}.{take}.wav" for take in takes}
    for take, frequency in takes.items():
        soundfile.write(folder / files[take], tone(frequency, seconds), SAMPLE_RATE, subtype="PCM_16")
    sample = Sample.model_validate(
        {
            "kind": kind,
            "index": index,
            "step": step,
            "epoch": epoch,
            "title": title,
            "files": files,
            "duration_s": 3.0,
            "level_db": dict.fromkeys(takes, -18.2),
            "envelope": [0.5 + 0.5 * math.sin(0.4 * place + index) for place in range(24)],
            "recon_db": 5.1 + 0.4 * index if kind != "prior" else None,
            "decoded_db": 0.6 if kind != "prior" else None,
        }
    )
    (folder / f"{stem}.json").write_text(json.dumps(sample.model_dump()))
