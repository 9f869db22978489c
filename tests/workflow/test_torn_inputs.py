"""What is torn on its way is refused by whoever reads it, and made again as it was."""

import os
import shutil

import pytest

from tests.workflow.test_kills import results

pytestmark = pytest.mark.pipeline

SMOKE = ("--profile", "smoke", "siamese-voc")
PRETRAINED = "data/smoke/pretrain/siamese-imagenet-60e/siamese/detr/seed0"
FINETUNED = "data/smoke/finetune/siamese-voc-vanilla-50e/detr/siamese~siamese-imagenet-60e/seed0"


def test_fault_49_a_torn_file_stops_the_run_that_reads_it_and_is_made_again_once_it_is_removed(made) -> None:
    before, torn = results(made.root), made.root / PRETRAINED / "weights.safetensors"
    told = torn.stat()
    torn.write_bytes(torn.read_bytes()[:-1000])
    os.utime(torn, ns=(told.st_atime_ns, told.st_mtime_ns))  # what only looks at times sees nothing
    shutil.rmtree(made.root / FINETUNED)
    shutil.rmtree(made.root / "reports/smoke/tables")
    said = made.snakemake(*SMOKE, fails=True)
    assert f"{PRETRAINED}/weights.safetensors is torn" in said
    assert "remove it, and the same `snakemake` command makes it again" in said
    torn.unlink()
    made.snakemake(*SMOKE)
    assert results(made.root) == before
    assert "Nothing to be done" in made.snakemake("-n", *SMOKE)
