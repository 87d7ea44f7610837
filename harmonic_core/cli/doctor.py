"""`harmonic doctor`: what this machine has, what is missing, and the command that installs it."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Literal

import typer

_ENOUGH_DISK_BYTES = 10 * 2**30


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes
    ----------
    subject
        What it is about.
    verdict
        `ok`; `absent` where everything works without it; `broken` where training does not.
    detail
        What was found.
    remedy
        What to do about it; empty if nothing.
    """

    subject: str
    verdict: Literal["ok", "absent", "broken"]
    detail: str
    remedy: str = ""


def add_to(app: typer.Typer) -> None:
    """Add the verb to a command line."""
    app.command("doctor")(doctor)


def doctor(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Look at this machine: what is missing, and the command that installs it. Exit 1 if training cannot work."""
    findings = [_safely(look) for look in (_python, _torch, _gpu, _codecs, _tensorboard, _sound, _terminal, _disk)]
    if as_json:
        typer.echo(json.dumps([asdict(finding) for finding in findings], indent=2))
    else:
        width = max(len(finding.subject) for finding in findings)
        for finding in findings:
            typer.echo(f"{finding.verdict:<6}  {finding.subject:<{width}}  {finding.detail}")
            if finding.remedy:
                typer.echo(f"{'':6}  {'':{width}}  → {finding.remedy}")
    if any(finding.verdict == "broken" for finding in findings):
        raise typer.Exit(1)


def _safely(look: Callable[[], Finding]) -> Finding:
    """A doctor does not fall ill with the patient: what goes wrong in looking is itself a finding."""
    try:
        return look()
    except Exception as error:  # noqa: BLE001 - whatever a broken installation throws
        subject = look.__name__.strip("_").replace("_", " ")
        return Finding(subject, "broken", f"{type(error).__name__}: {error}".splitlines()[0], "reinstall harmonic-vae")


def _python() -> Finding:
    return Finding("python", "ok", f"{platform.python_version()}, {sys.executable}")


def _torch() -> Finding:
    import torch
    import torchaudio

    cuda = f"built for CUDA {torch.version.cuda}" if torch.version.cuda else "built without CUDA"
    return Finding(
        "torch",
        "ok",
        f"{torch.__version__}, {cuda}, {torch.get_num_threads()} threads; torchaudio {torchaudio.__version__}",
    )


def _gpu() -> Finding:
    import torch

    if torch.cuda.is_available():
        names = [torch.cuda.get_device_properties(index) for index in range(torch.cuda.device_count())]
        return Finding("gpu", "ok", ", ".join(f"{each.name} ({each.total_memory / 2**30:.1f} GiB)" for each in names))
    if torch.backends.mps.is_available():
        return Finding("gpu", "ok", "Apple GPU through MPS")
    import pynvml

    try:
        pynvml.nvmlInit()
        boards = [
            pynvml.nvmlDeviceGetName(pynvml.nvmlDeviceGetHandleByIndex(index))
            for index in range(pynvml.nvmlDeviceGetCount())
        ]
        driver = pynvml.nvmlSystemGetDriverVersion()
    except pynvml.NVMLError:
        return Finding("gpu", "absent", "no NVIDIA driver and no Apple GPU; training runs on the CPU")
    return Finding(
        "gpu",
        "absent",
        f"the driver {driver} knows {', '.join(boards) or 'no board'}, but torch sees none",
        f"check CUDA_VISIBLE_DEVICES, or install a driver for CUDA {torch.version.cuda}",
    )


def _codecs() -> Finding:
    import av
    import av.codec

    wanted = {"WAV": "pcm_s16le", "FLAC": "flac", "OGG": "vorbis", "Opus": "opus", "MP3": "mp3float", "M4A": "aac"}
    formats = [name for name, codec in wanted.items() if codec in av.codec.codecs_available]
    version = ".".join(str(number) for number in av.library_versions["libavcodec"])
    state: Literal["ok", "broken"] = "ok" if len(formats) == len(wanted) else "broken"
    return Finding("codecs", state, f"{', '.join(formats)} (libavcodec {version})")


def _tensorboard() -> Finding:
    if find_spec("tensorboard"):
        return Finding("tensorboard", "ok", "installed")
    return Finding(
        "tensorboard", "absent", "not installed", "`pip install 'harmonic-vae[tensorboard]'` for --use-tensorboard"
    )


def _sound() -> Finding:
    # In a process of its own: sound libraries write to the terminal behind Python's back.
    asked = subprocess.run(
        [sys.executable, "-m", "sounddevice"], capture_output=True, text=True, timeout=20, check=False
    )
    if "PortAudio library not found" in asked.stderr:
        return Finding(
            "sound",
            "absent",
            "PortAudio is not installed; the console cannot play on this machine",
            "`make system-deps`, or `apt-get install libportaudio2`",
        )
    outputs = [line.strip() for line in asked.stdout.splitlines() if line.startswith(("<", "*"))]
    if asked.returncode or not outputs:
        return Finding(
            "sound",
            "absent",
            "PortAudio is there, but no output device",
            "samples are WAV files in the run's samples/ folder: copy them with `scp` and hear them elsewhere",
        )
    return Finding("sound", "ok", outputs[0].lstrip("<*> "))


def _terminal() -> Finding:
    size = shutil.get_terminal_size()
    colours = os.environ.get("COLORTERM") or "256 colours or fewer"
    detail = f"TERM={os.environ.get('TERM', 'unset')}, {size.columns}×{size.lines}, {colours}, {sys.stdout.encoding}"
    if not sys.stdout.isatty():
        return Finding("terminal", "absent", f"this output is no terminal ({detail})")
    if (sys.stdout.encoding or "").lower().replace("-", "") != "utf8":
        return Finding(
            "terminal",
            "absent",
            detail,
            "set a UTF-8 locale, such as `export LC_ALL=C.UTF-8`, for the console's curves",
        )
    return Finding("terminal", "ok", detail)


def _disk() -> Finding:
    from harmonic_core.data.cache import default_cache_dir

    places = {"runs": Path.cwd(), "audio cache": _existing(default_cache_dir())}
    free = {label: shutil.disk_usage(path).free for label, path in places.items()}
    detail = ", ".join(f"{label}: {count / 2**30:.1f} GiB free" for label, count in free.items())
    if not all(os.access(path, os.W_OK) for path in places.values()):
        return Finding(
            "disk", "broken", f"{detail}; not writable", "start from a folder of yours, or set data.cache_dir"
        )
    if min(free.values()) < _ENOUGH_DISK_BYTES:
        return Finding("disk", "ok", detail, "little room: checkpoints of a run take up to a few hundred MB")
    return Finding("disk", "ok", detail)


def _existing(path: Path) -> Path:
    return next(parent for parent in (path, *path.parents) if parent.exists())
