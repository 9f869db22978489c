"""`sdetr proposals report`: a table and a picture of what proposers find."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pydantic import TypeAdapter

from sdetr.cli import main
from sdetr.data.index import Index
from sdetr.proposals.recall import coverage, objects_of, recall
from sdetr.proposals.settings import ProposalsRun, Proposer
from sdetr.proposals.stage import propose
from sdetr.proposals.store import Proposals
from sdetr.proposals.survey import AT, TIMED, sample, survey
from tests.proposals.conftest import PARAMS

NAME = "voc12-trainval"
STANDS = "shapes-voc12-trainval-smoke-s0"


@pytest.fixture
def root(raw, tmp_path, monkeypatch):
    """A working folder in which the scenes are what stands for VOC at scale smoke."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(raw / "scenes", tmp_path / "data" / "raw" / STANDS)
    (tmp_path / "data" / "raw" / STANDS / "train.json").rename(index_file(tmp_path))
    (tmp_path / "params").symlink_to(PARAMS.root)
    return tmp_path


def index_file(root: Path) -> Path:
    return root / "data" / "raw" / STANDS / "trainval.json"


def run_of(name="edgeboxes-demo", **changes):
    plain = PARAMS.resolve("proposers", name).values | changes
    proposer = TypeAdapter(Proposer).validate_python(plain)
    dataset = f"data/raw/{STANDS}/trainval.json"
    return ProposalsRun(stage="proposals", recipe=1, proposer=proposer, dataset=dataset)


def stored(job, root, **changes):
    path = root / "data" / "smoke" / "proposals" / NAME / "edgeboxes.parquet"
    propose(job("edgeboxes-demo", Path(run_of().dataset), **changes), path)
    return path


def test_what_is_surveyed_is_what_is_stored(root, job):
    index = Index.load(Path(run_of().dataset))
    found = survey("edgeboxes", run_of(), stored(job, root), index, sample(index.images, 100))
    proposals = Proposals(root / "data" / "smoke" / "proposals" / NAME / "edgeboxes.parquet")
    assert found.stored and found.timed == TIMED and found.unreadable == 0
    assert found.recall == tuple(recall(proposals, index, AT).values())
    boxes = [proposals.of(row.id) for row in index.images]
    assert found.per_image == pytest.approx(np.mean([len(those) for those in boxes]))
    sides = np.concatenate(boxes)[:, 2:] - np.concatenate(boxes)[:, :2]
    pixels = index.images[0].height * index.images[0].width
    np.testing.assert_allclose(found.areas, np.quantile(sides.prod(axis=1) / pixels, (0.1, 0.5, 0.9)))
    assert found.seconds > 0


def test_boxes_made_for_the_survey_are_those_of_the_stage_and_data_stays_as_it_was(root, job):
    index = Index.load(Path(run_of().dataset))
    images = sample(index.images, 12)
    before = sorted((root / "data").rglob("*"))
    made = survey("edgeboxes", run_of(), root / "absent.parquet", index, images)
    assert not made.stored and made.timed == len(made.boxes) == 12
    assert sorted((root / "data").rglob("*")) == before
    kept = survey("edgeboxes", run_of(), stored(job, root), index, images)
    assert made._replace(seconds=0, timed=0, stored=True, boxes={}) == kept._replace(
        seconds=0, timed=0, boxes={}
    )
    for row in images:
        np.testing.assert_array_equal(made.boxes[row.id], kept.boxes[row.id])


def test_a_file_of_other_settings_is_not_taken_for_these(root, job):
    index = Index.load(Path(run_of().dataset))
    path = stored(job, root, beta=0.7)
    assert not survey("edgeboxes", run_of(), path, index, index.images[:3]).stored


def test_images_that_cannot_be_read_are_counted_and_their_objects_missed(root):
    index = Index.load(Path(run_of().dataset))
    images = sample(index.images, 6)
    whole = survey("edgeboxes", run_of(), root / "absent.parquet", index, images)
    (index.root / images[2].file).write_bytes(b"")
    found = survey("edgeboxes", run_of(), root / "absent.parquet", index, images)
    assert found.unreadable == 1 and len(found.boxes) == 5
    assert found.recall[-1] < whole.recall[-1] and found.best_overlap < whole.best_overlap
    for row in images:
        (index.root / row.file).write_bytes(b"")
    with pytest.raises(ValueError, match="none of 6 images"):
        survey("edgeboxes", run_of(), root / "absent.parquet", index, images)


def test_coverage_agrees_with_a_loop():
    rng = np.random.default_rng(0)
    corners = np.sort(rng.integers(0, 20, (60, 2, 2)), axis=1).astype(np.float32)
    boxes = np.concatenate([corners[:, 0], corners[:, 1]], axis=1)
    grown = boxes + np.array([0, 0, 3, 2])
    objects = {1: grown[:5], 2: grown[5:9], 3: np.array([[0.0, 0, 1, 1]])}
    of = {1: boxes[9:40], 2: boxes[40:], 3: boxes[:0]}
    firsts, bests = [], []
    for image_id, targets in objects.items():
        for x0, y0, x1, y1 in targets:
            ious = []
            for a0, b0, a1, b1 in of[image_id].tolist():
                both = max(0, min(x1, a1) - max(x0, a0)) * max(0, min(y1, b1) - max(y0, b0))
                ious.append(both / ((x1 - x0) * (y1 - y0) + (a1 - a0) * (b1 - b0) - both))
            firsts.append(next((rank for rank, iou in enumerate(ious) if iou >= 0.3), np.inf))
            bests.append(max(ious, default=0))
    found = coverage(of.__getitem__, objects, iou=0.3)
    assert found.first.tolist() == firsts
    np.testing.assert_allclose(found.best, bests, atol=1e-12)
    assert found.best_overlap() == pytest.approx(np.mean(bests))


def test_the_report_is_a_table_and_a_picture(root, job, capsys):
    stored(job, root)
    words = ["proposals", "report", NAME, "--scale", "smoke", "--images", "5"]
    main([*words, "--proposer", "edgeboxes", "random"])
    printed = capsys.readouterr().out
    page = (root / "reports" / "smoke" / "proposals" / f"{STANDS}.md").read_text()
    table = [line for line in page.splitlines() if line.startswith("|")]
    assert len(table) == 4 and "\n".join(table) in printed
    edgeboxes, uniform = ([cell.strip() for cell in line.split("|")[1:-1]] for line in table[2:])
    assert edgeboxes[:4] == ["edgeboxes", "file", "0", "32"] and uniform[:2] == ["random", "made here"]
    assert float(edgeboxes[5]) > float(uniform[5]) > 0
    title = f"# Proposals of {STANDS}, which stands for {NAME} at scale smoke: 5 of 40 images\n"
    assert page.startswith(title) and f"]({STANDS}.png)" in page  # no paper's data under drawn images
    with Image.open(root / "reports" / "smoke" / "proposals" / f"{STANDS}.png") as picture:
        assert picture.width == 2 * 324
        colours = {colour for _, colour in picture.convert("RGB").getcolors(1 << 20)}
    assert (255, 255, 255) in colours and (249, 31, 31) in colours  # objects, and the best boxes


def test_without_objects_recall_is_a_dash(root, capsys):
    index = Index.load(index_file(root))
    Index(index.dataset, index.root, [], index.images, []).save(index_file(root))
    assert objects_of(Index.load(index_file(root))) == {}
    main(["proposals", "report", NAME, "--scale", "smoke", "--images", "3", "--proposer", "random"])
    cells = [cell.strip() for cell in capsys.readouterr().out.splitlines()[2].split("|")]
    assert cells[5:10] == ["–"] * 5


@pytest.mark.parametrize(
    "words, message",
    [
        (["voc12-trainvall"], "did you mean 'voc12-trainval'"),
        ([NAME, "--proposer", "edgeboxs"], "did you mean 'edgeboxes'"),
        ([NAME, "--scale", "smok"], "did you mean 'smoke'"),
        (["voc07-test"], "no index data/raw/"),
    ],
)
def test_what_is_not_known_is_refused_in_one_line(root, capsys, words, message):
    with pytest.raises(SystemExit) as caught:
        main(["proposals", "report", "--scale", "smoke", *words])
    said = capsys.readouterr().err.strip().splitlines()
    assert caught.value.code == 2 and len(said) == 1 and message in said[0]
    assert not (root / "reports").exists()


@pytest.mark.parametrize("count", ["0", "-1", "many"])
def test_how_many_images_is_a_count(root, capsys, count):
    with pytest.raises(SystemExit) as caught:
        main(["proposals", "report", NAME, f"--images={count}"])
    assert caught.value.code == 2 and f"--images: {count!r} is no count" in capsys.readouterr().err
