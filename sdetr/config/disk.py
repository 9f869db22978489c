"""Bytes that the large outputs of a job take, before they are there."""

from typing import Any

from pydantic import TypeAdapter

from sdetr.config.effort import expected_images, per_image
from sdetr.config.job import Job
from sdetr.config.plan import Plan
from sdetr.config.throughput import alike
from sdetr.models.settings import ModelSettings
from sdetr.proposals.settings import Proposer
from sdetr.views.settings import Views

PARAMETERS = {
    "conditional": 43.4e6,
    "dab": 43.7e6,
    "dab_deformable": 47.4e6,
    "deformable": 40.1e6,
    "deformable_refine": 40.8e6,
    "deformable_ss": 34.1e6,
    "deformable_two_stage": 41.2e6,
    "detr": 41.5e6,
    "dn_dab": 43.7e6,
    "dn_dab_deformable": 47.4e6,
}
"""Of the published detectors on a ResNet-50, as `sdetr models` counts them."""
BYTES_OF_A_NUMBER = 4
BYTES_OF_AN_ANSWER = 107
"""In predictions.json: two whole numbers and five of up to 17 digits; of scale demo's files."""
CLASSES_OF_AN_IMAGE = 1.4
"""Of VOC 2007 test, about: one-shot detection is asked for each of them."""
VIEW_BYTES = {"pairs": (33, 14.2), "crops": (11, 20.8)}
"""Of a planned view, and of each region in it, as Parquet compresses them (tests/config/test_disk.py)."""
CLASSES_OF_IMAGENET, IMAGES_OF_IMAGENET = 1000, 1281167
COUNTED = "weights of published detectors, predictions, planned views, proposals"
NOT_COUNTED = (
    "images, backbones, states of running trainings (three times their weights), pretexts' heads, "
    "features made ahead, pictures, curves, pages"
)


def images_of(plan: Plan, index: str) -> int | None:
    """How many images the index of a data set has, or about; None if nobody knows before it is made."""
    job = plan.maker(index)
    settings = job.settings["subset" if job.stage == "subset" else "dataset"]
    if expected := expected_images(job):
        return expected
    if about := settings.get("about_images"):
        return int(about)
    if job.stage == "subset":
        only_share = not any(settings.get(how) for how in ("listed", "classes", "shots"))
        whole = images_of(plan, job.inputs["whole"]) if only_share else None
        return None if whole is None else round(settings["share"] * whole)
    if settings.get("generate"):
        return int(settings["generate"]["images"])
    if settings.get("only"):  # folders of ImageNet, each of about a thousandth of its images
        return IMAGES_OF_IMAGENET * len(settings["only"]) // CLASSES_OF_IMAGENET
    return None


def bytes_of(plan: Plan, job: Job) -> float | None:
    """Of a job's large outputs; 0 where it has none, None where nobody knows."""
    match job.stage:
        case "proposals":
            proposer = TypeAdapter(Proposer).validate_python(job.settings["proposer"])
            return _times(images_of(plan, job.inputs["dataset"]), per_image(proposer)[1])
        case "views":
            views: Any = TypeAdapter(Views).validate_python(job.settings["views"])
            view, region = VIEW_BYTES[views.kind]
            each = views.draws * (view + region * views.regions)
            return _times(images_of(plan, job.inputs["dataset"]), each)
        case "pretrain":
            return _weights(job)
        case "finetune":
            protocol = job.settings["protocol"]
            model = ModelSettings.model_validate(job.settings["model"])
            kept = min(model.asked, protocol.get("max_detections", 100))
            if query := protocol.get("query"):
                kept = kept * query["passes"] * CLASSES_OF_AN_IMAGE
            answers = _times(images_of(plan, job.inputs["test"]), kept * BYTES_OF_AN_ANSWER)
            weights = _weights(job)
            return None if weights is None or answers is None else weights + answers
        case "measure":
            kept = job.settings["protocol"].get("max_detections", 100)
            return _times(images_of(plan, job.inputs["test"]), kept * BYTES_OF_AN_ANSWER)
    return 0.0


def _weights(job: Job) -> float | None:
    kind = alike(job)
    parameters = PARAMETERS.get(kind.variant) if kind.published else None
    return parameters and parameters * BYTES_OF_A_NUMBER


def _times(images: int | None, each: float) -> float | None:
    return None if images is None else images * each
