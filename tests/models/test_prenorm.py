"""The pre-norm form, against torch's own layers and the formula."""

import torch
from torch import Tensor, nn

from sdetr.models.encoder import EncoderLayer
from sdetr.models.variants import VARIANTS
from sdetr.types import Ask
from tests.models.small import bare_memory, model_settings, randomise, small_detector


@torch.no_grad()
def test_prenorm_encoder_layer_equals_torchs() -> None:
    settings = model_settings("detr", prenorm=True, dropout=0.0)
    layer = randomise(EncoderLayer(settings, VARIANTS["detr"])).eval()
    theirs = nn.TransformerEncoderLayer(64, 8, 96, 0.0, batch_first=True, norm_first=True).eval()
    _copy_attention(layer.self_attention, theirs.self_attn)
    _copy(layer.feed_forward.widen, theirs.linear1)
    _copy(layer.feed_forward.narrow, theirs.linear2)
    _copy(layer.beside_self.norm, theirs.norm1)
    _copy(layer.beside_feed.norm, theirs.norm2)
    x = torch.randn(2, 9, 64, generator=torch.Generator().manual_seed(3))
    padding = torch.zeros(2, 9, dtype=torch.bool)
    padding[1, 6:] = True
    nothing = torch.zeros_like(x)
    ours = layer(x, nothing, bare_memory(x, padding, nothing, [(3, 3)]))
    expected = theirs(x, src_key_padding_mask=padding)
    torch.testing.assert_close(ours[~padding], expected[~padding], atol=1e-5, rtol=0)


@torch.no_grad()
def test_prenorm_decoder_equals_torchs() -> None:
    detector = small_detector("detr", prenorm=True, dropout=0.0)
    stack = nn.TransformerDecoderLayer(64, 8, 96, 0.0, batch_first=True, norm_first=True).eval()
    generator = torch.Generator().manual_seed(4)
    tokens = torch.randn(2, 9, 64, generator=generator)
    padding = torch.zeros(2, 9, dtype=torch.bool)
    padding[1, 6:] = True
    nothing = torch.zeros_like(tokens)
    memory = bare_memory(tokens, padding, nothing, [(3, 3)])
    start = torch.randn(2, 7, 64, generator=generator)
    detector.queries.position.zero_()  # torch's layer knows no positions
    ours = detector.decode(memory, Ask(content=start)).hidden
    x = start
    for i, layer in enumerate(detector.decoder.layers):
        _copy_attention(layer.self_attention, stack.self_attn)
        _copy_attention(layer.cross_attention, stack.multihead_attn)
        _copy(layer.feed_forward.widen, stack.linear1)
        _copy(layer.feed_forward.narrow, stack.linear2)
        for norm, beside in zip(("norm1", "norm2", "norm3"), ("self", "cross", "feed"), strict=True):
            _copy(getattr(layer, f"beside_{beside}").norm, getattr(stack, norm))
        x = stack(x, tokens, memory_key_padding_mask=padding)
        torch.testing.assert_close(ours[i], detector.decoder.norm(x), atol=1e-5, rtol=0)


def test_only_a_prenorm_encoder_ends_with_a_norm() -> None:
    keys = {
        prenorm: "encoder.norm.weight" in small_detector("detr", prenorm=prenorm).state_dict()
        for prenorm in (True, False)
    }
    assert keys == {True: True, False: False}


@torch.no_grad()
def test_prenorm_attention_adds_positions_after_the_norm() -> None:
    settings = model_settings("detr", prenorm=True, dropout=0.0)
    layer = randomise(EncoderLayer(settings, VARIANTS["detr"])).eval()
    x, position = torch.randn(2, 2, 5, 64, generator=torch.Generator().manual_seed(5))
    inner = layer.beside_self.norm(x)
    attention = layer.self_attention
    heads = [m.unflatten(-1, (8, 8)).transpose(1, 2) for m in _projected(attention, inner, position)]
    scores = (heads[0] @ heads[1].transpose(-1, -2) / 8**0.5).softmax(-1)
    expected = x + attention.out((scores @ heads[2]).transpose(1, 2).flatten(2))
    inner = layer.beside_feed.norm(expected)
    expected = expected + layer.feed_forward.narrow(layer.feed_forward.widen(inner).relu())
    memory = bare_memory(x, torch.zeros(2, 5, dtype=torch.bool), position, [(1, 5)])
    torch.testing.assert_close(layer(x, position, memory), expected, atol=1e-5, rtol=0)


def _projected(attention: nn.Module, inner: Tensor, position: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    return attention.query(inner + position), attention.key(inner + position), attention.value(inner)


def _copy(ours: nn.Module, theirs: nn.Module) -> None:
    theirs.load_state_dict(ours.state_dict())


def _copy_attention(ours: nn.Module, theirs: nn.MultiheadAttention) -> None:
    three = [ours.query, ours.key, ours.value]
    theirs.in_proj_weight.copy_(torch.cat([part.weight for part in three]))
    theirs.in_proj_bias.copy_(torch.cat([part.bias for part in three]))
    _copy(ours.out, theirs.out_proj)
