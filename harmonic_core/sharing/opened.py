"""A model as whoever makes music with it opens it: a run, a checkpoint or an export, by whatever name it is given."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from harmonic_core.errors import DiskError, ProfileError, RunError
from harmonic_core.generation import Voice
from harmonic_core.run.directory import RunDirectory, open_run
from harmonic_core.run.resume import find_resume_point
from harmonic_core.sharing.exported import is_export, read_exported
from harmonic_core.sharing.latents import Latents, read_latents
from harmonic_core.text import plain
from harmonic_core.training.trained import Trained, load_trained, newest_weights

_DEVICES = ("auto", "cpu", "cuda", "mps")


@dataclass
class Opened:
    """A trained model, and what is known of the music that it was trained with.

    Attributes
    ----------
    trained
        The model.
    run
        The run that it is of; None where it was given away without.
    name
        What it is called.
    fingerprint
        SHA-256 of the weights, in hexadecimal digits: the same whatever they are kept in.
    """

    trained: Trained
    run: RunDirectory | None
    name: str
    fingerprint: str
    _latents: Latents | None = field(default=None, repr=False)
    _offset: float | None = None
    """How loud its music is, where that is known without its latents."""

    def latents(
        self, tell: Callable[[str], None] = lambda _: None, stopped: Callable[[], bool] = lambda: False
    ) -> Latents:
        """Where its music lies; of a run it is encoded when it is wanted first, which takes the music.

        Parameters
        ----------
        tell
            Gets to know what goes on.
        stopped
            Asked now and then.

        Raises
        ------
        HarmonicError
            If the music is not at hand any more, or was not given away with the model.
        StoppedError
            If `stopped` says so.
        """
        if self._latents is None:
            if self.run is None:
                raise RunError(
                    f"{plain(self.name)}: weights alone, without what is known of their music; name the run, or an "
                    "export by `harmonic export` without `--without-latents`"
                )
            self._latents = read_latents(self.trained, self.run, tell, stopped)
        return self._latents

    def voice(self, seed: int | None = None) -> Voice:
        """What renders its latents, as loud as music once `latents` are known.

        Parameters
        ----------
        seed
            Decides the vocoder's first phase. Default: the profile's.
        """
        offset = self._latents.offset if self._latents is not None else self._offset or 0.0
        return replace(self.trained.voice(None, seed), offset=offset)


def open_model(name: str, device: str | None = None) -> Opened:
    """Open a model.

    Parameters
    ----------
    name
        A run, by path or by name, a checkpoint, or an export.
    device
        Where to compute: `auto`, `cpu`, `cuda` or `mps`. Default: what the profile says.

    Raises
    ------
    HarmonicError
        If there is nothing of that name, no weights yet, or a model that this version does not build.
    """
    if device is not None and device not in _DEVICES:
        raise ProfileError(f"device {plain(str(device), 40)}: unknown; take {', '.join(_DEVICES)}")
    try:
        return _open(name, device)
    except OSError as error:
        kind = DiskError if isinstance(error, PermissionError) else RunError
        raise kind(f"{plain(name)}: cannot be opened: {(error.strerror or str(error)).lower()}") from error


def _open(name: str, device: str | None) -> Opened:
    given = Path(name)
    if is_export(given):
        exported = read_exported(given, device)
        folder = given.parent if given.suffix == ".onnx" and given.is_file() else given
        return Opened(
            exported.trained,
            None,
            folder.resolve().name if folder.is_dir() else folder.stem,
            fingerprint(exported.trained),
            exported.latents,
            exported.offset,
        )
    if given.is_file() and given.suffix != ".pt":
        raise RunError(
            f"{plain(name)}: not a model; name a run, a checkpoint, a .pt of a run, or what `harmonic export` wrote"
        )
    point = find_resume_point(given if given.exists() else open_run(name).path)
    # Of a run without checkpoints the weights lie in a file, but it is the run that was named.
    called = point.export.resolve().stem if point.export else (point.run.path if point.run else given).resolve().name
    if point.run is not None and point.checkpoint is None and point.export is None:
        point = newest_weights(point.run)
    try:
        trained = load_trained(point, device)
    except ProfileError as error:
        # Nobody typed it: it lies with the weights.
        reason = plain(" ".join(str(error).split()), 400)
        raise RunError(f"{plain(name)}: of another version of this program, or damaged: {reason}") from error
    return Opened(trained, point.run, called, fingerprint(trained))


def fingerprint(trained: Trained) -> str:
    """SHA-256 of a model's weights, by name, shape and value."""
    digest = hashlib.sha256()
    for name, tensor in sorted(trained.model.state_dict().items()):
        values = tensor.detach().cpu().contiguous()
        digest.update(f"{name} {tuple(values.shape)} {values.dtype}\n".encode())
        digest.update(values.numpy().tobytes())
    return digest.hexdigest()
