"""Networks by name, and the refusal of tensors that are none of theirs."""

import pytest
import torch

from napari_mlpatch import networks
from napari_mlpatch.core.errors import InputError

TINY = {"head": "mlp", "widths": [4], "rings": 2, "rays": 3}


def test_unknown_names_and_parameters():
    with pytest.raises(InputError, match=r"Unknown architecture 'resnet'. Known: .*mlpatch"):
        networks.build("resnet")
    with pytest.raises(InputError, match=r"architecture 'mlpatch': unknown parameter 'width' \(known: channels"):
        networks.build("mlpatch", {"width": 3})
    with pytest.raises(InputError, match=r"rings: .*got 0"):
        networks.build("mlpatch", {"rings": 0})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.pop("scale"), "missing scale"),
        (lambda t: t.update(other=torch.zeros(1)), "unknown other"),
        (lambda t: t.update(points=torch.zeros(1)), r"points has shape \[1\], \[2, 3, 2\] was expected"),
        (lambda t: t["points"].fill_(torch.nan), "points holds NaN"),
    ],
)
def test_tensors_that_do_not_fit(change, message):
    tensors = {k: v.clone() for k, v in networks.build("mlpatch", TINY).state_dict().items()}
    change(tensors)
    with pytest.raises(InputError, match=message):
        networks.from_tensors("mlpatch", TINY, tensors)
