"""Mistakes in params/: one line each, with file, line, key, and what to write instead."""

import re

import pytest

from sdetr.config.base import SettingsError
from sdetr.config.compile import compile_plan

PROTOCOL = "protocols/siamese-voc-vanilla-50e.yaml"
PRETRAINING = "protocols/siamese-imagenet-60e.yaml"


def replaced(params, file: str, old: str, new: str) -> int:
    """Replaces text in a file of params/; returns the line of the replacement."""
    path = params / file
    text = path.read_text()
    assert text.count(old) >= 1, f"{old!r} is not in {file}"
    path.write_text(text.replace(old, new, 1))
    return text[: text.index(old)].count("\n") + 1


@pytest.mark.parametrize(
    "file, old, new, said",
    [
        (
            PROTOCOL,
            "epochs: 50",
            "epoch: 50",
            "epoch: unknown key; 'epoch' is not known, did you mean 'epochs'?",
        ),
        (PROTOCOL, "lr: 1.0e-4", "lr: 1e-4", "lr: '1e-4' is text in YAML, expected a number; write 1.0e-4"),
        (PROTOCOL, "batch: 32", "batch: many", "batch: found 'many', expected"),
        (PROTOCOL, "batch: 32", "batch: 32.5", "batch: found 32.5, expected"),
        (PROTOCOL, "batch: 32", "batch: 0", "batch: found 0, expected greater than or equal to 1"),
        (PROTOCOL, "drop: [40]", "drop: [60]", "drop: epoch 60, but the schedule ends after 50"),
        (PROTOCOL, "  longest: 1333\n", "  longst: 1333\n", "augment.longst: unknown key"),
        (PROTOCOL, "batch: 32", "batch: 32\nbatch: 16", "batch: said twice"),
        (PROTOCOL, "task: detection", "task: detect", "task: found 'detect', expected 'detection'"),
        ("models/detr.yaml", "heads: 8", "heads: 7", "heads: 7 cannot share a width of 256 evenly"),
        (
            "models/conditional.yaml",
            "dropout: 0.1",
            "prenorm: true\ndropout: 0.1",
            "prenorm: true, but conditional has no such form",
        ),
        (
            "models/detr.yaml",
            "dropout: 0.1",
            "mask_attention: joint\ndropout: 0.1",
            "mask_attention: joint, but only boxes are trained here: a mask head would stay as it was drawn",
        ),
        ("models/detr.yaml", "variant: detr", "variant: dter", "variant: found 'dter', expected 'detr'"),
        ("backbones/swav_r50.yaml", "kind: swav", "kind: swa", "found"),
        ("backbones/swav_r50.yaml", "arch: resnet50", "arch: resnet51", "trunk.arch: found 'resnet51'"),
        ("tables/siamese-voc.yaml", "metrics: [AP,", "metrics: [APX,", "metrics.0: found 'APX'"),
        (
            "scales/paper.yaml",
            "seeds: [0]",
            "seed: [0]",
            "seed: unknown key; 'seed' is not known, did you mean 'seeds'?",
        ),
        (
            "scales/paper.yaml",
            "workers: 8",
            "worker: 8",
            "worker: unknown key; 'worker' is not known, did you mean 'workers'?",
        ),
    ],
)
def test_fault_59_a_mistake_is_one_line_with_file_line_key_and_cure(params, file, old, new, said):
    line = replaced(params, file, old, new)
    with pytest.raises(SettingsError) as caught:
        compile_plan(params, "paper")
    message = str(caught.value)
    assert said in message.splitlines()[0]
    if "said twice" in said:
        line += 1
    assert f"{file}:{line}: " in message


@pytest.mark.parametrize(
    "file, old, new, said",
    [
        (
            "tables/siamese-voc.yaml",
            "model: conditional",
            "model: condtional",
            "condtional.yaml does not exist",
        ),
        (
            "tables/siamese-voc.yaml",
            "protocol: siamese-voc-vanilla-50e",
            "protocol: siamese-voc-vanila-50e",
            "did you mean",
        ),
        (
            "tables/siamese-voc.yaml",
            "{label: from scratch, start: swav_r50}",
            "{label: x, start: swav_r51}",
            "swav_r50",
        ),
        (
            "tables/siamese-voc.yaml",
            "{label: from scratch, start: swav_r50}",
            "{label: x, start: siames~siamese-imagenet-60e}",
            "'siames' is not known",
        ),
        (
            "tables/siamese-voc.yaml",
            "{label: from scratch, start: swav_r50}",
            "{label: x, start: Swav r50}",
            "is no name",
        ),
        (PROTOCOL, "dataset: voc12-trainval", "dataset: voc12-trainvall", "did you mean 'voc12-trainval'"),
        (
            "tables/siamese-voc.yaml",
            "    detr-50e: {AP",
            "    detr-51e: {AP",
            "column 'detr-51e' is not known",
        ),
    ],
)
def test_fault_59_a_name_without_a_file_names_the_nearest(params, file, old, new, said):
    replaced(params, file, old, new)
    with pytest.raises(SettingsError, match=said) as caught:
        compile_plan(params, "paper")
    assert len(str(caught.value).splitlines()) == 1


def test_an_unknown_scale_or_table_names_the_known(params):
    with pytest.raises(SettingsError, match=r"dmo\.yaml does not exist; .*did you mean 'demo'"):
        compile_plan(params, "dmo")
    with pytest.raises(SettingsError, match="did you mean 'siamese-voc'"):
        compile_plan(params, "demo", ["siamese-vco"])


def test_every_mistake_of_a_file_is_told_at_once(params):
    replaced(params, PROTOCOL, "epochs: 50", "epoch: 50")
    replaced(params, PROTOCOL, "batch: 32", "batch: many")
    with pytest.raises(SettingsError) as caught:
        compile_plan(params, "paper", ["siamese-voc"])
    assert len(str(caught.value).splitlines()) == 2


def test_a_weight_that_a_family_needs_or_has_not_is_asked_for_before_any_job(params):
    path = params / "models/detr.yaml"
    path.write_text(
        path.read_text().replace("  no_object: 0.1\n", "").replace("  detection.no_object: DETR §3.1\n", "")
    )
    with pytest.raises(
        SettingsError, match=r"detr\.yaml:11: detection\.no_object: missing; detr needs its weight"
    ):
        compile_plan(params, "paper")


@pytest.mark.parametrize(
    "file, old, new, said",
    [
        (
            "models/conditional.yaml",
            "variant: cond",
            "extends: conditional\nvariant: cond",
            "extends goes round",
        ),
        (PROTOCOL, "batch: 32", "batch: 32\nwhen: 3", "when: found 3"),
        (PROTOCOL, "lr: 1.0e-4", "lr: 2020-13-45", "cannot be read"),
        (PROTOCOL, "lr: 1.0e-4", "lr: !foo 3", "cannot be read"),
        (PROTOCOL, "drop: [40]", "drop: &a [*a]", "or in itself"),
        (PROTOCOL, "drop: [40]", "drop: [40, 40]", "numbers that increase"),
        (PROTOCOL, "drop: [40]", "drop: [0]", "greater than or equal to 1"),
        (
            "protocols/siamese-voc-vanilla-50e.yaml",
            "side: [384, 600]",
            "side: [600, 384]",
            "the smaller number first",
        ),
        (
            "protocols/siamese-imagenet-60e.yaml",
            "lr_backbone: 0.0",
            "lr_backbone: 0.5",
            "needs 0, a frozen backbone",
        ),
        (
            "views/siamese-pairs.yaml",
            "regions: 10",
            "regions: 7",
            "views siamese-pairs: regions is 7; pretext siamese-loc shares the 100 queries of model "
            "conditional evenly among them: give it a multiple of 7",
        ),
        ("views/updetr-patches.yaml", "regions: 10", "regions: 3", "views updetr-patches: regions is 3"),
        ("views/siamese-pairs.yaml", "area: [0.5, 1.0]", "area: [0.5, 7.0]", "less than or equal to 1"),
        ("scales/paper.yaml", "seeds: [0]", "seeds: [0, 0]", "numbers that increase"),
        ("scales/paper.yaml", "seeds: [0]", "seeds: [-1]", "greater than or equal to 0"),
        ("scales/paper.yaml", "  pretrain: {threads", "  pretrian: {threads", "did you mean 'pretrain'"),
        (
            "backbones/swav_r50.yaml",
            "sha256: unknown",
            "sha256: unknown\nwhen: {model=detr: {}}",
            "hold for all runs",
        ),
        ("tables/siamese-voc.yaml", "scales: [demo]", "scales: [dmo]", "did you mean 'demo'"),
        ("tables/updetr-voc.yaml", "scales: [paper]", "scales: [papr]", "did you mean 'paper'"),
        (
            "tables/detectors.yaml",
            "metrics: [AP,",
            "metrics: [AP-11,",
            "table detectors: row supervised: no AP-11, of VOC's test sets: detr-coco-500e tests on "
            "coco-val2017, whose layout is coco",
        ),
        (
            "tables/detreg-proposals.yaml",
            "metrics: [AP,",
            "metrics: [AP-11,",
            "row untrained: no AP-11, of VOC's test sets: detreg-proposals ignores classes",
        ),
    ],
)
def test_what_would_fail_later_or_silently_do_nothing_is_refused_at_once(params, file, old, new, said):
    replaced(params, file, old, new)
    with pytest.raises(SettingsError, match=re.escape(said)):
        compile_plan(params, "paper")


def test_a_file_whose_name_no_path_can_hold_is_refused(params):
    (params / "tables/My Table.yaml").write_text("title: x\n")
    with pytest.raises(SettingsError, match=r"My Table\.yaml: names are made of"):
        compile_plan(params, "paper")
