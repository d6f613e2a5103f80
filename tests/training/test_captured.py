"""Steps that are captured as a CUDA graph, and what happens without a GPU."""

import pytest
import torch
from torch import nn

from napari_mlpatch.training import Step, TrainingRecipe, train
from napari_mlpatch.training.captured import WARM_UP, Captured
from napari_mlpatch.training.learning import set_learning_rate

NETWORK = {"name": "dncnn", "params": {"depth": 3, "width": 8}}
RECIPE = {
    "name": "tiny",
    "title": "Tiny",
    "network": NETWORK,
    "data": {"kind": "ellipses", "count": 6, "size": 32, "hold_out": 1},
    "crop": 16,
    "images": 4,
    "steps": 30,
    "warmup": 10,
}


def test_without_a_gpu_every_step_is_taken_as_it_is():
    seen = []
    advance = Captured(lambda batch: seen.append(batch) or batch[0].sum(), torch.device("cpu"))
    for k in range(WARM_UP + 3):
        assert float(advance((torch.full((2,), float(k)),))) == 2 * k
    assert len(seen) == WARM_UP + 3 and not advance.reason


def test_the_learning_rate_of_a_cpu_is_a_number():
    optimiser = torch.optim.Adam([nn.Parameter(torch.zeros(2))], lr=1e-3)
    set_learning_rate(optimiser, 0.25, torch.device("cpu"))
    assert optimiser.param_groups[0]["lr"] == 0.25


def losses(**changes):
    recipe = TrainingRecipe.from_json({**RECIPE, **changes})
    return [event.loss for event in train(recipe, report_every=1) if isinstance(event, Step)]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_on_the_gpu_a_captured_training_goes_as_the_plain_one():
    assert losses(device="cuda", graph=True) == pytest.approx(losses(device="cuda", graph=False), rel=1e-3)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_on_the_gpu_what_waits_for_the_device_goes_on_uncaptured():
    weight = torch.zeros((), device="cuda")

    def learn(batch):
        weight.add_(1.0)
        assert float(batch[0].sum()) > 0  # waits
        return weight.clone()

    advance = Captured(learn, torch.device("cuda"))
    found = [float(advance((torch.ones(3, device="cuda"),))) for _ in range(WARM_UP + 4)]
    assert found == [float(k + 1) for k in range(WARM_UP + 4)] and advance.reason
