"""The optimiser is torch's AdamW, only sooner ready."""

from __future__ import annotations

import subprocess
import sys

import torch
from torch import Tensor, nn
from torch.optim import AdamW, Optimizer

from harmonic_core.training.optimizer import PromptAdamW

WITHOUT_COMPILER = """
import sys
import torch
from harmonic_core.training.optimizer import PromptAdamW

layer = torch.nn.Linear(3, 2)
optimizer = PromptAdamW(layer.parameters(), lr=1e-3, fused=True)
layer(torch.ones(4, 3)).sum().backward()
optimizer.step()
optimizer.zero_grad(set_to_none=True)
optimizer.load_state_dict(optimizer.state_dict())
sys.exit("torch._dynamo" in sys.modules)
"""


def network() -> nn.Module:
    torch.manual_seed(3)
    return nn.Sequential(nn.Linear(5, 7), nn.Tanh(), nn.Linear(7, 5))


def train(model: nn.Module, optimizer: Optimizer, batches: list[Tensor]) -> None:
    for batch in batches:
        (model(batch) - batch).square().mean().backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)


def batches(count: int) -> list[Tensor]:
    return list(torch.randn(count, 6, 5, generator=torch.Generator().manual_seed(8)))


def same(a: nn.Module, b: nn.Module) -> bool:
    return all(torch.equal(x, y) for x, y in zip(a.parameters(), b.parameters(), strict=True))


def test_it_makes_the_very_updates_of_torchs_adamw() -> None:
    ours, theirs = network(), network()
    train(ours, PromptAdamW(ours.parameters(), lr=0.01, weight_decay=0.1, fused=True), batches(6))
    train(theirs, AdamW(theirs.parameters(), lr=0.01, weight_decay=0.1, fused=True), batches(6))
    assert same(ours, theirs)
    assert not same(ours, network())


def test_its_state_is_that_of_torchs_adamw_and_carries_over() -> None:
    ours, theirs = network(), network()
    before, whole = PromptAdamW(ours.parameters(), lr=0.01, fused=True), AdamW(theirs.parameters(), lr=0.01, fused=True)
    train(ours, before, batches(6)[:3])
    after = AdamW(ours.parameters(), lr=0.01, fused=True)
    after.load_state_dict(before.state_dict())
    back = PromptAdamW(ours.parameters(), lr=0.01, fused=True)
    back.load_state_dict(after.state_dict())
    train(ours, back, batches(6)[3:])
    train(theirs, whole, batches(6))
    assert same(ours, theirs)


def test_an_update_that_is_marked_as_bad_changes_nothing() -> None:
    model = network()
    optimizer = PromptAdamW(model.parameters(), lr=0.01, fused=True)
    optimizer.grad_scale, optimizer.found_inf = None, torch.ones(())
    train(model, optimizer, batches(1))
    assert same(model, network())


def test_it_does_not_wait_for_the_compiler() -> None:
    subprocess.run([sys.executable, "-c", WITHOUT_COMPILER], check=True)
