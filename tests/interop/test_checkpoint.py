"""Checkpoints are read without trusting them."""

from typing import Any

import pytest
import torch

from napari_mlpatch.core.errors import InputError
from napari_mlpatch.interop.checkpoint import read_checkpoint


class Harm:
    def __reduce__(self):
        return (print, ("harm done",))


ENDLESS: dict[str, Any] = {}
ENDLESS["a"] = ENDLESS


def test_wrapped_and_bare(tmp_path):
    tensors = {"a.weight": torch.ones(2, dtype=torch.float64), "count": torch.tensor(3)}
    for k, content in enumerate(
        [
            tensors,
            {"epoch": 3, "model_state_dict": tensors},
            {"params": tensors},
            {f"module.{k}": v for k, v in tensors.items()},
        ]
    ):
        torch.save(content, tmp_path / f"{k}.pt")
        found = read_checkpoint(tmp_path / f"{k}.pt")
        assert set(found) == set(tensors)
        assert found["a.weight"].dtype == torch.float32 and found["count"].dtype == torch.int64
    torch.save({"0": tensors, "1": tensors}, tmp_path / "bank.pt")
    assert set(read_checkpoint(tmp_path / "bank.pt")["1"]) == set(tensors)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"a": Harm()}, "can run any program"),
        ({"a": 3}, "is int, not a tensor"),
        ({"a": torch.tensor([1.0, float("nan")])}, "NaN"),
        ([1, 2], "not the named tensors"),
        ({}, "not the named tensors"),
        ({"a": torch.eye(2).to_sparse()}, "layout torch.sparse_coo"),
        ({"a": torch.eye(2).to_sparse_csr()}, "layout torch.sparse_csr"),
        ({"a": torch.ones(2, device="meta")}, "device meta"),
        ({"a": torch.ones(2).to(torch.float8_e4m3fn)}, "tensor of torch.float8_e4m3fn"),
        (ENDLESS, "'a' holds dicts of dicts"),
    ],
)
def test_refused(tmp_path, capsys, content, message):
    torch.save(content, tmp_path / "x.pt")
    with pytest.raises(InputError, match=message):
        read_checkpoint(tmp_path / "x.pt")
    assert "harm done" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"not a checkpoint at all", "starts with b'no'"),
        (b"", "starts with b''"),
        (b"\x89PNG\r\n", "no PyTorch checkpoint"),
        (b"PK\x03\x04 and nothing more", "or is damaged"),
        (b"\x80\x02 and nothing more", "or is damaged"),
    ],
)
def test_no_checkpoint(tmp_path, content, message):
    (tmp_path / "x.pt").write_bytes(content)
    with pytest.raises(InputError, match=message):
        read_checkpoint(tmp_path / "x.pt")
    with pytest.raises(InputError, match=r"missing\.pt"):
        read_checkpoint(tmp_path / "missing.pt")
