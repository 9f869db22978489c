"""What other files hold in one piece, taken apart: the only change of tensors between formats."""

import re
from collections.abc import Iterator

import torch
from torch import Tensor

FUSED = re.compile(r"(.+)\.in_proj_(weight|bias)")
"""Query, key and value projections of torch's attention, below one another."""
PAIRS = {"query_embed.weight", "model.query_position_embeddings.weight"}
"""Position and content of the deformable family's queries, beside one another."""
LABELS = "label_enc.weight"
"""DN-DETR's contents of classes, the last row being that of queries made from no object."""


def pieces(name: str, tensor: Tensor, width: int) -> Iterator[tuple[str, Tensor]]:
    """A parameter of a file, whose detector is `width` wide, by the names of `names/`.

    Raises ValueError for three in one that are not equally large.
    """
    if match := FUSED.fullmatch(name):
        if not tensor.dim() or len(tensor) % 3:
            raise ValueError(f"{name} has the shape {tuple(tensor.shape)}, expected three projections in one")
        for part, piece in zip("qkv", tensor.chunk(3), strict=True):
            yield f"{match[1]}.{part}_proj.{match[2]}", piece
    elif name in PAIRS and tensor.dim() == 2 and tensor.shape[1] == 2 * width:
        yield f"{name}/position", tensor[:, :width]
        yield f"{name}/content", tensor[:, width:]
    elif name == LABELS and tensor.dim() == 2:
        yield f"{name}/known", tensor[:-1]
        yield f"{name}/unknown", tensor[-1]
    else:
        yield name, tensor


def joined(named: dict[str, Tensor]) -> dict[str, Tensor]:
    """Pairs of queries in one piece again."""
    whole = {name: tensor for name, tensor in named.items() if "/" not in name}
    for name in {name.split("/")[0] for name in named.keys() - whole.keys()}:
        whole[name] = torch.cat([named[f"{name}/position"], named[f"{name}/content"]], dim=-1)
    return whole
