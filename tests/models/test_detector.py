"""What a detector promises about batches, asked queries, masks and answers."""

from dataclasses import replace

import pytest
import torch

from sdetr.models.detector import Detector
from sdetr.models.variants import VARIANTS
from sdetr.types import Ask
from tests.models.small import CLASSES, padded_view, small_detector


@pytest.fixture(scope="module", params=list(VARIANTS))
def detector(request: pytest.FixtureRequest) -> Detector:
    return small_detector(request.param)


@torch.no_grad()
def test_shapes_are_those_of_the_types(detector: Detector) -> None:
    view = padded_view()
    memory = detector.encode(view)
    said = detector.decode(memory)
    row = detector.row
    shapes = [(3, 5)] if row.levels == 1 else [(12, 20), (6, 10), (3, 5), (2, 3)]
    count = sum(h * w for h, w in shapes)
    assert memory.shapes == shapes and memory.tokens.shape == memory.position.shape == (2, count, 64)
    assert memory.padding.shape == (2, count) and memory.valid.shape == (2, row.levels, 2)
    assert memory.centres.shape == (2, count, 2)
    channels = [128] if row.levels == 1 else [32, 64, 128]
    assert [m.shape for m in memory.maps] == [(2, c, *s) for c, s in zip(channels, shapes, strict=False)]
    assert said.logits.shape == (3, 2, 7, CLASSES + (not detector.focal))
    assert said.boxes.shape == (3, 2, 7, 4) and said.hidden.shape == (3, 2, 7, 64)
    first = {None: [], "point": [(2, 7, 2)], "box": [(2, 7, 4)]}[row.reference]
    assert [r.shape for r in said.references] == first + ([(2, 7, 4)] * 2 if row.refine else first * 2)
    assert (said.first_stage is not None) is (row.queries == "proposals")


@torch.no_grad()
def test_maps_made_ahead_stand_for_the_images(detector: Detector) -> None:
    view = padded_view()
    maps = detector.features(view.images)[-detector.read :]
    ahead = replace(view, images=torch.zeros(2, 3, 0, 0), maps=maps)
    assert torch.equal(detector(ahead).boxes, detector(view).boxes)
    assert detector.encode(ahead).maps[-1] is maps[-1]


@torch.no_grad()
def test_another_image_changes_no_image(detector: Detector) -> None:
    one, two = padded_view(seed=1), padded_view(seed=2)
    mixed = replace(one, images=torch.cat([one.images[:1], two.images[1:]]))
    torch.testing.assert_close(detector(mixed).boxes[:, 0], detector(one).boxes[:, 0], atol=1e-6, rtol=0)
    assert (detector(mixed).boxes[:, 1] - detector(one).boxes[:, 1]).abs().max() > 1e-3


@torch.no_grad()
def test_variants_40_padded_memory_is_never_looked_at(detector: Detector) -> None:
    memory = detector.encode(padded_view(sizes=((96, 128), (50, 60))))
    assert memory.padding[1].any() and not memory.padding[0].any()
    noise = torch.where(memory.padding[..., None], 100.0, 0.0)
    loud = replace(memory, tokens=memory.tokens + noise)
    torch.testing.assert_close(
        detector.decode(loud).logits, detector.decode(memory).logits, atol=1e-5, rtol=0
    )


@torch.no_grad()
def test_variants_19_queries_look_at_one_another_first_then_at_the_memory(detector: Detector) -> None:
    memory, order = detector.encode(padded_view()), []
    hooks = [
        part.register_forward_hook(lambda _m, _given, _out, name=name: order.append(name))
        for name, part in detector.decoder.layers[0].named_modules()
        if name.endswith(("attention", "norm", "feed_forward"))
    ]
    detector.decode(memory)
    for hook in hooks:
        hook.remove()
    # published deformable layers number their norms 1: cross, 2: self, but compute self-attention first
    blocks = [("self_attention", "self"), ("cross_attention", "cross"), ("feed_forward", "feed")]
    assert order == [name for block, beside in blocks for name in (block, f"beside_{beside}.norm")]


@torch.no_grad()
def test_a_mask_that_blocks_nothing_changes_nothing(detector: Detector) -> None:
    memory = detector.encode(padded_view())
    seen = detector.decode(memory, Ask(blocked=torch.zeros(7, 7, dtype=torch.bool)))
    torch.testing.assert_close(seen.logits, detector.decode(memory).logits, atol=1e-6, rtol=0)


@torch.no_grad()
@pytest.mark.parametrize("queries, crops", [(8, 4), (12, 3), (10, 2)])
def test_variants_44_blocked_groups_do_not_hear_one_another(queries: int, crops: int) -> None:
    for variant in VARIANTS:
        detector = small_detector(variant, queries=queries)
        group = torch.arange(queries) // (queries // crops)
        ask = Ask(blocked=group[:, None] != group[None, :], content=torch.zeros(2, queries, 64))
        memory = detector.encode(padded_view())
        before = detector.decode(memory, ask).hidden
        changed = torch.zeros(2, queries, 64)
        changed[:, group == 1] = 1.0
        after = detector.decode(memory, replace(ask, content=changed)).hidden
        assert before.isfinite().all()
        torch.testing.assert_close(after[:, :, group != 1], before[:, :, group != 1], atol=1e-5, rtol=0)
        assert (after - before)[:, :, group == 1].abs().amax((0, 1, 3)).min() > 1e-3
        open_ = detector.decode(memory, Ask(content=changed)).hidden - detector.decode(memory).hidden
        assert open_[:, :, group != 1].abs().amax((0, 1, 3)).min() > 1e-5


@torch.no_grad()
def test_variants_p2_true_blocks(detector: Detector) -> None:
    memory = detector.encode(padded_view())
    blocked = torch.zeros(7, 7, dtype=torch.bool)
    blocked[0, 3] = True  # query 0 may not look at query 3; in one layer nobody else tells it
    first = detector.decoder.layers[0].self_attention
    x, position = torch.randn(2, 7, 64), torch.randn(2, 7, 64)
    louder = x.clone()
    louder[:, 3] += 1
    change = first(louder, position, ~blocked) - first(x, position, ~blocked)
    assert change[:, 0].abs().max() < 1e-6
    assert change[:, [1, 2, 4, 5, 6]].abs().amax((0, 2)).min() > 1e-4
    assert detector.decode(memory, Ask(blocked=blocked)).logits.isfinite().all()


@torch.no_grad()
@pytest.mark.parametrize(
    "changed, grid, reference",
    [
        ({"temperature": 20.0}, True, False),
        ({"reference_temperature": 20.0}, False, True),
        ({"turns": 0.5}, True, True),
    ],
)
def test_each_sine_has_its_own_temperature_and_both_turn_alike(
    changed: dict[str, float], grid: bool, reference: bool
) -> None:
    usual, other = small_detector("conditional"), small_detector("conditional", **changed)
    view = padded_view()
    memory = usual.encode(view)
    assert torch.equal(other.encode(view).position, memory.position) is not grid
    assert torch.equal(other.decode(memory).boxes, usual.decode(memory).boxes) is not reference


def test_every_parameter_learns(detector: Detector) -> None:
    said = detector(padded_view())
    total = said.logits.square().sum() + said.boxes.square().sum()
    if said.first_stage is not None:
        total = total + said.first_stage.logits.square().sum() + said.first_stage.boxes.square().sum()
    total.backward()
    idle = [name for name, p in detector.named_parameters() if p.grad is None or not p.grad.any()]
    detector.zero_grad()
    # the first self-attention sees no content yet: zeros times these weights
    known = {"query_content.weight", "key_content.weight", "value.weight"}
    if detector.row.denoise:  # denoising alone reads classes, and learned contents leave no query unknown
        known |= {"queries.labels"} | ({"queries.unknown"} if detector.row.learned_content else set())
    assert {name.split(".", 4)[-1] if "layers" in name else name for name in idle} <= known | {
        "query.bias",
        "key.bias",
    }
