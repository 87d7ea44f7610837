"""Several processes that train one model: who is who, and how they agree.

A process is told its place by the environment that `torchrun` gives it: RANK, WORLD_SIZE and LOCAL_RANK. Tensors on the
CPU go through gloo, those on CUDA devices through NCCL.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

import torch
import torch.distributed as dist
from torch import Tensor
from torch.distributed import PrefixStore, Store  # type: ignore[attr-defined]
from torch.distributed.rendezvous import rendezvous

T = TypeVar("T")

_POLL_S = 0.1


@dataclass(frozen=True)
class Team:
    """The ranks of a run. One alone agrees with itself, and nothing is sent.

    Every method but `part` must be called by all ranks, in the same order.
    """

    rank: int = 0
    world_size: int = 1
    local_rank: int = 0
    node: int = 0
    store: Store | None = None

    @property
    def is_first(self) -> bool:
        """Whether this is the rank that writes."""
        return self.rank == 0

    @property
    def is_alone(self) -> bool:
        """Whether there is no other rank."""
        return self.world_size == 1

    def part(self, count: int) -> slice:
        """Rows of a batch of `count` that are this rank's."""
        return slice(count * self.rank // self.world_size, count * (self.rank + 1) // self.world_size)

    def add_up(self, values: Tensor) -> None:
        """Replace `values`, on any device, by their sum over the ranks."""
        if not self.is_alone:
            dist.all_reduce(values)

    def most(self, numbers: Sequence[int]) -> list[int]:
        """Largest of each of the numbers over the ranks; never waits for the device."""
        if self.is_alone:
            return list(numbers)
        agreed = torch.tensor(numbers)
        dist.all_reduce(agreed, dist.ReduceOp.MAX)
        return agreed.tolist()

    def collect(self, mine: T) -> list[T]:
        """What every rank has, in their order."""
        if self.is_alone:
            return [mine]
        everyone: list[T] = [mine] * self.world_size
        dist.all_gather_object(everyone, mine)
        return everyone

    def first_of_node_first(self, work: Callable[[], T | None], stopped: Callable[[], bool]) -> T | None:
        """Let one rank of every machine do `work` before its others, which find it done, and wait for everyone.

        It may take as long as it likes, unlike a collective. None where it was `stopped` on this rank.
        """
        if self.store is None:
            return work()
        done = None
        if self.local_rank == 0 or self._wait_for([f"done/{self.node}"], stopped):
            done = work()
            self.store.set(f"done/{self.node}", "1")
        self.store.set(f"ready/{self.rank}", "1")
        return done if self._wait_for([f"ready/{rank}" for rank in range(self.world_size)], stopped) else None

    def _wait_for(self, keys: list[str], stopped: Callable[[], bool]) -> bool:
        assert self.store is not None
        while not self.store.check(keys):
            if stopped():
                return False
            time.sleep(_POLL_S)
        return True


ALONE = Team()


@contextmanager
def join_team(wanted: str) -> Iterator[Team]:
    """Meet the other ranks for the length of a block; without a launcher there are none.

    Parameters
    ----------
    wanted
        The device that is asked for: NCCL is needed where it may be a CUDA device.
    """
    if "RANK" not in os.environ or int(os.environ.get("WORLD_SIZE", "1")) == 1:
        yield ALONE
        return
    store, rank, world_size = next(rendezvous("env://"))
    # The launcher keeps one store for all its tries: what ranks that are gone have left there must not be found.
    store = PrefixStore(f"try-{os.environ.get('TORCHELASTIC_RESTART_COUNT', '0')}", store)
    team = Team(
        rank,
        world_size,
        int(os.environ.get("LOCAL_RANK", "0")),
        int(os.environ.get("GROUP_RANK", "0")),
        # A place of its own: decoding may take longer than any time limit of a group.
        PrefixStore("harmonic", store),
    )
    on_cuda = wanted in {"auto", "cuda"} and torch.cuda.is_available()
    backend = "cpu:gloo,cuda:nccl" if on_cuda else "gloo"
    dist.init_process_group(backend, store=PrefixStore("group", store), rank=rank, world_size=world_size)
    # Not after an error: the orderly end of NCCL waits for ranks that may wait for this one.
    yield team
    dist.destroy_process_group()
