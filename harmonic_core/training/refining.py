"""Training the vocoder's network: a little beside every few updates of the model, or for its own sake."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor
from torch.nn.utils import clip_grad_norm_

from harmonic_core.audio.features import LogMel
from harmonic_core.audio.vocoder import FIRST_STEPS, Refine, invert_mel
from harmonic_core.data.segments import TrainingSegments, ValidationSegments, spread_evenly
from harmonic_core.errors import RunError
from harmonic_core.model.refiner import Refiner, refiner_losses
from harmonic_core.profile.sections import Audio
from harmonic_core.run.atomic import write_atomically
from harmonic_core.text import plain
from harmonic_core.training.guard import is_out_of_memory
from harmonic_core.training.optimizer import PromptAdamW

_LEARNING_RATE = 1e-3
_WEIGHT_DECAY = 0.01
_GRAD_CLIP = 1.0
_CONVERGENCE_WEIGHT = 0.3
"""Of spectral convergence beside the levels: less cost nothing there and helped them."""
_EVERY = 8
"""Updates of the model between two of the network, each of four frames a segment: on one thread 30 ms for 16
segments, 3.8 ms an update of the model."""
_FRAMES_BESIDE = 4
_FRAMES_ALONE, _SEGMENTS_ALONE = 8, 16
_WARM_UP = 20
_MOMENTS = 3
"""Tensors that AdamW keeps of a weight; where memory ran out among them it begins anew."""
_LEAST_SHARE = 0.01
COMPARED = 16
"""Held-out segments that a network is judged by beside the model."""
_UNUSABLE = (OSError, ValueError, LookupError, TypeError, AttributeError, RuntimeError, RecursionError, SafetensorError)
"""What reading a file from elsewhere may end in."""
_DECIBELS = 10.0 / math.log(10.0)


class Closer(NamedTuple):
    """How near spectra made from held-out mels are to the true ones, without and with the network."""

    plain_db: float
    """Mean absolute difference of the levels of all bins in dB, by inversion alone."""
    refined_db: float
    plain_convergence: float
    """Spectral convergence, by inversion alone."""
    refined_convergence: float

    @property
    def is_better(self) -> bool:
        """Whether the network betters both."""
        return self.refined_db < self.plain_db and self.refined_convergence < self.plain_convergence


class Refining:
    """A network of the vocoder and its own optimiser; no gradient passes between them and the model.

    What an update does is a function of the seed, the step and the sounds; where loss or gradient are not finite it is
    left out, on the device.

    Parameters
    ----------
    features
        The analysis, on its device.
    seed
        Of the run: decides which frames are learnt from, and the first weights.
    """

    def __init__(self, features: LogMel, seed: int) -> None:
        self.features, self.seed = features, seed
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.refiner = Refiner(*features.filterbank.shape).to(features.window.device)
        self._optimizer = PromptAdamW(
            self.refiner.parameters(), lr=_LEARNING_RATE, weight_decay=_WEIGHT_DECAY, betas=(0.9, 0.99), fused=True
        )
        self.closer: Closer | None = None
        """How it stood at the last comparison."""

    @property
    def refine(self) -> Refine | None:
        """The network, once it betters the inversion of held-out mels."""
        return self.refiner if self.closer and self.closer.is_better else None

    def beside(self, step: int, samples: Tensor, warm_up: int = _WARM_UP) -> None:
        """Learn from a few frames of the batch of the model's update number `step`, at every eighth.

        Parameters
        ----------
        step
            From 0.
        samples : (batch, samples)
            int16, or float in [−1, 1]; on the device.
        warm_up
            Updates of the network over which its learning rate rises.
        """
        if step % _EVERY:
            return
        try:
            with _one_thread(self.features.window.device):
                self.update(step, samples, _FRAMES_BESIDE, _LEARNING_RATE * min(1.0, (step // _EVERY + 1) / warm_up))
        except (RuntimeError, MemoryError) as error:
            # The model comes first: where memory is short it does without.
            if not is_out_of_memory(error):
                raise
            self._optimizer.zero_grad(set_to_none=True)
            for parameter, entry in list(self._optimizer.state.items()):
                if len(entry) < _MOMENTS:
                    del self._optimizer.state[parameter]

    def update(self, step: int, samples: Tensor, frames: int, learning_rate: float) -> None:
        """Learn from so many `frames` of each of the sounds, (batch, samples), chosen by `step`."""
        generator = torch.Generator().manual_seed((self.seed << 31) ^ step)
        most = 1 + samples.shape[1] // self.features.hop_length
        chosen = torch.randint(most, (len(samples), frames), generator=generator) * self.features.hop_length
        with torch.no_grad():
            true, mel_power, power = _spectra(self.features, samples, chosen.to(samples.device))
        level, convergence = refiner_losses(self.refiner, mel_power, power, true, self.features.filterbank)
        loss = level + _CONVERGENCE_WEIGHT * convergence
        loss.backward()  # type: ignore[no-untyped-call]
        norm = clip_grad_norm_(self.refiner.parameters(), _GRAD_CLIP).detach()
        for group in self._optimizer.param_groups:
            group["lr"] = learning_rate
        self._optimizer.grad_scale = None  # type: ignore[attr-defined]
        self._optimizer.found_inf = (~(norm + loss.detach()).isfinite()).float()  # type: ignore[attr-defined]
        self._optimizer.step()
        self._optimizer.zero_grad(set_to_none=True)

    def compare(self, segments: ValidationSegments, most: int = COMPARED) -> Closer | None:
        """Measure it on held-out segments, and remember how it stands; see `compare`."""
        self.closer = compare(self.refiner, self.features, segments, most) or self.closer
        return self.closer if len(segments) else None

    def tensors(self) -> dict[str, Tensor]:
        """Everything that a checkpoint has to hold of it."""
        names = [name for name, _ in self.refiner.named_parameters()]
        moments = self._optimizer.state_dict()["state"]
        closer = torch.tensor(self.closer or [], dtype=torch.float64)
        return {
            **{f"weight/{name}": tensor for name, tensor in self.refiner.state_dict().items()},
            **{f"{key}/{names[index]}": tensor for index, entry in moments.items() for key, tensor in entry.items()},
            "closer": closer,
        }

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """Go on from what `tensors` gave. Raises KeyError, ValueError or RuntimeError for anything else."""
        names = {name: index for index, (name, _) in enumerate(self.refiner.named_parameters())}
        weights: dict[str, Tensor] = {}
        moments: dict[int, dict[str, Tensor]] = {}
        for label, tensor in tensors.items():
            key, _, name = label.partition("/")
            if key == "weight":
                weights[name] = tensor
            elif key != "closer":
                moments.setdefault(names[name], {})[key] = tensor
        self.refiner.load_state_dict(weights)
        self._optimizer.load_state_dict({**self._optimizer.state_dict(), "state": moments})
        stood = tensors["closer"].tolist()
        self.closer = Closer(*stood) if stood else None


@torch.no_grad()
def compare(refine: Refine, features: LogMel, segments: ValidationSegments, most: int = COMPARED) -> Closer | None:
    """Measure a network on up to so many held-out segments spread evenly; None where there are none."""
    found = []
    for index in spread_evenly(len(segments))[:most]:
        sound = torch.from_numpy(segments.batch(int(index), 1)).to(features.window.device)
        true, mel_power, power = _spectra(features, sound, None)
        plain_way = refiner_losses(_unchanged, mel_power, power, true, features.filterbank)
        refined = refiner_losses(refine, mel_power, power, true, features.filterbank)
        found.append(torch.stack((plain_way[0], refined[0], plain_way[1], refined[1])))
    if not found:
        return None
    means = torch.stack(found).cpu().double().mean(dim=0).tolist()
    return Closer(means[0] * _DECIBELS, means[1] * _DECIBELS, means[2], means[3])


def _spectra(features: LogMel, samples: Tensor, centres: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
    """True powers, mel-band powers as they come back from mels, and their inversion."""
    true = features.power(samples, centres)
    mel_power = features.mel_power(features.from_power(true)).transpose(1, 2)
    return true, mel_power, invert_mel(mel_power, features.filterbank, FIRST_STEPS)


def _unchanged(mel_power: Tensor, power: Tensor) -> Tensor:
    return power


@contextmanager
def _one_thread(device: torch.device) -> Iterator[None]:
    """Compute with one thread on a CPU: products of a few frames are too small to share.

    Two threads were no quicker at best, and took five to eight times as long where another program kept one waiting.
    """
    threads = torch.get_num_threads()
    if device.type == "cpu":
        torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def train_alone(
    refining: Refining,
    segments: TrainingSegments,
    seconds: float,
    tell: Callable[[float], None] = lambda _: None,
    stopped: Callable[[], bool] = lambda: False,
) -> int:
    """Train the network for its own sake; gives the number of updates.

    Parameters
    ----------
    refining
        Changed.
    segments
        To learn from.
    seconds
        How long; the learning rate falls along half a cosine over them.
    tell
        Gets the share that is done.
    stopped
        Asked before every update; what was learnt until then stays.
    """
    began, step, device = time.monotonic(), 0, refining.features.window.device
    per_epoch = segments.steps_per_epoch(_SEGMENTS_ALONE)
    with _one_thread(device):
        while (done := (time.monotonic() - began) / seconds) < 1.0 and not stopped():
            epoch, place = divmod(step, per_epoch)
            if place == 0:
                order, starts = segments.epoch_order(epoch), segments.epoch_starts(epoch)
            pcm = segments.batch(order[place * _SEGMENTS_ALONE :][:_SEGMENTS_ALONE], starts)
            warm = min(1.0, (step + 1) / _WARM_UP)
            share = _LEAST_SHARE + (1.0 - _LEAST_SHARE) * 0.5 * (1.0 + math.cos(math.pi * done))
            refining.update(step, torch.from_numpy(pcm).to(device), _FRAMES_ALONE, _LEARNING_RATE * warm * share)
            step += 1
            tell(min(1.0, done))
    return step


def write_refiner(path: Path, refining: Refining, audio: Audio) -> None:
    """Write the network alone, with what it is for and how it stood. Raises OSError where there is no room."""
    assert refining.closer is not None
    weights = {name: tensor.detach().cpu().contiguous() for name, tensor in refining.refiner.state_dict().items()}
    about = {"audio": _settings(audio), "closer": json.dumps(refining.closer._asdict())}
    write_atomically(path, save(weights, metadata=about))


def read_refiner(path: Path, features: LogMel, audio: Audio) -> tuple[Refiner, Closer]:
    """Read a network that `write_refiner` wrote. Runs no code from the file.

    Raises
    ------
    RunError
        If it is something else, or for another `audio`.
    """
    shown = plain(str(path))
    way_out = f"remove it, or train another with `harmonic vocoder train {plain(str(path.parent))}`"
    with torch.random.fork_rng(devices=[]):
        refiner = Refiner(*features.filterbank.shape)
    try:
        with safe_open(path, framework="pt") as file:
            about = file.metadata() or {}
            if differences := _differences(json.loads(about["audio"]), audio):
                raise RunError(
                    f"{shown}: a vocoder's network for other audio than this run's: {differences}; {way_out}"
                )
            closer = Closer(**{name: float(value) for name, value in json.loads(about["closer"]).items()})
            own = {name: list(tensor.shape) for name, tensor in refiner.state_dict().items()}
            names = list(file.keys())
            # Before any is read: tensors from elsewhere may be larger than memory.
            if own != {name: file.get_slice(name).get_shape() for name in names}:
                raise ValueError("weights of another network")
            weights = {name: file.get_tensor(name) for name in names}
        if not all(tensor.isfinite().all() for tensor in weights.values()):
            raise ValueError("weights that are not finite")
        refiner.load_state_dict(weights)
    except _UNUSABLE as error:
        reason = plain((str(error) or type(error).__name__).splitlines()[0], 160)
        raise RunError(f"{shown}: not a vocoder's network of this program ({reason}); {way_out}") from error
    return refiner.to(features.window.device), closer


def refine_of(path: Path, features: LogMel, audio: Audio) -> Refine | None:
    """The network in the file `path` where there is one that betters the inversion.

    Raises
    ------
    RunError
        If there is a file that is something else.
    """
    if not path.exists():
        return None
    refiner, closer = read_refiner(path, features, audio)
    return refiner if closer.is_better else None


def _settings(audio: Audio) -> str:
    return audio.model_dump_json()


def _differences(given: dict[str, object], audio: Audio) -> str:
    """What settings say that were `given` by a file and differ from `audio`; empty where none does."""
    own = audio.model_dump(mode="json")
    return ", ".join(
        f"{name} {plain(str(given.get(name)), 40)} instead of {value}"
        for name, value in own.items()
        if given.get(name) != value
    )
