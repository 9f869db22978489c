"""Settings of a protocol: data, schedule, optimiser, augmentation. No torch here."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from sdetr.config.base import Count, Name, NotNegative, Positive, Settings, Sizes, Steps, Strings
from sdetr.data.settings import AS_DRAWN, AugmentSettings, BucketSettings, ResizeSettings
from sdetr.data.subsets.settings import NameOfDraw
from sdetr.evaluation.look_settings import PicturesProtocolSettings
from sdetr.evaluation.settings import CostProtocolSettings, ProposalsProtocolSettings
from sdetr.models.settings import BoxModel, TrunkSettings
from sdetr.objectives.panoptic_settings import MasksSettings
from sdetr.objectives.settings import Pretext
from sdetr.views.settings import QuerySettings, Views

RECIPES = {"backbone": 2, "pretrain": 5, "finetune": 5, "measure": 3, "look": 1, "cost": 1, "rehearse": 1}
"""By stage; raise one when the same settings train to other numbers, or write other files."""

Compile = Literal["nothing", "kernels", "graphs"]
"""Ways to run a network on a GPU."""


class ScheduleSettings(Settings):
    """How long, how fast, how regular: what every trained thing needs."""

    epochs: Count
    drop: Steps
    """Epochs at whose start the learning rate falls to a tenth; each is listed, none repeats."""
    steps_per_epoch: Positive | None = None
    """What counts as an epoch; unset: one pass over the data, the incomplete last batch dropped."""
    batch: Count
    """Images per optimiser step, over all devices and accumulated micro-batches."""
    micro_batch: Count | None = None
    """Images per forward pass of one device; unset: the share of the batch of each device."""
    lr: Positive
    lr_backbone: NotNegative
    """0 freezes the backbone."""
    lr_factor_points: Positive = 1.0
    """Of `lr`, for what says where to look: sampling offsets and reference points (arXiv:2010.04159 §5)."""
    weight_decay: NotNegative
    clip: Positive
    """Largest global L2 norm of the gradient, after accumulation."""
    warmup_steps: Annotated[int, Field(ge=0)] = 0
    ema: Annotated[float, Field(gt=0, lt=1)] | None = None
    """Decay of an exponential moving average of the weights, which is then what is evaluated; unset: none."""
    bfloat16: Literal["nothing", "frozen", "frozen_anywhere", "all"] = "frozen"
    """In bfloat16 on a GPU: a frozen backbone (`_anywhere`: a CPU, too), or all but places, boxes, losses."""
    compile: Compile = "nothing"
    """What a GPU runs: PyTorch's own kernels, kernels fused for the network, or CUDA graphs of those."""
    workers: Annotated[int, Field(ge=0)] = 0
    save_every_s: NotNegative = 120.0
    """Seconds between two saved states; 0 saves after every step."""

    @model_validator(mode="after")
    def _shares_are_whole(self) -> "ScheduleSettings":
        if self.micro_batch and self.batch % self.micro_batch:
            raise ValueError(f"micro_batch: {self.micro_batch} does not divide the batch of {self.batch}")
        if late := [drop for drop in self.drop if drop >= self.epochs]:
            raise ValueError(f"drop: epoch {late[0]}, but the schedule ends after {self.epochs}")
        return self

    def evaluated_epochs(self, every: int | None) -> list[int]:
        """Epochs after which the curve has a point: the start, regular ones, before each drop, the end."""
        if every is None:
            return [self.epochs]
        return sorted({0, *range(0, self.epochs, every), *self.drop, self.epochs})


class ProtocolSettings(ScheduleSettings):
    """What papers call "we fine-tune on VOC12 for 50 epochs": one file of `params/protocols/`."""

    task: Literal["detection", "one_shot", "panoptic_boxes", "panoptic_masks"]
    dataset: NameOfDraw
    """With `{seed}` in its name, runs of different seeds train on different draws."""
    test: Name
    augment: AugmentSettings
    resize: ResizeSettings
    evaluate_every: Count
    """Epochs between two points of the curve; also evaluated: the start, before each drop, and the end."""
    buckets: BucketSettings = AS_DRAWN
    """Which training images share a batch, and what it is padded to."""
    max_detections: Count = 100
    """Answers kept per image; COCO evaluates no more."""
    matched: bool = False
    """Predictions come with what the query says that answers for each object: for class and box error."""
    novel: bool = False
    """Few-shot detection: AP over the classes that the test set calls novel is given beside that over all."""
    train: Literal["all", "heads"] = "all"
    """What learns; `heads`: class and box heads alone, on a body that stays as the start brought it."""
    query: QuerySettings | None = None
    """Of one-shot detection: what stands for the class that is asked for."""
    masks: MasksSettings | None = None
    """Of task panoptic_masks, and of it alone: then a new mask head learns, and nothing else."""

    @model_validator(mode="after")
    def _frozen_means_all_of_it(self) -> "ProtocolSettings":
        if self.train == "heads" and self.lr_backbone:
            raise ValueError(f"lr_backbone: {self.lr_backbone}, but train: heads freezes that; give 0")
        if (self.task == "panoptic_masks") != (self.masks is not None):
            raise ValueError(f"masks: {'missing' if self.masks is None else 'given'}, task: {self.task}")
        if self.masks and (self.lr_backbone or self.train == "heads" or self.matched):
            raise ValueError("masks: a mask head learns alone; give lr_backbone 0, without train or matched")
        return self

    @model_validator(mode="after")
    def _one_shot_asks(self) -> "ProtocolSettings":
        one_shot = self.task == "one_shot"
        if one_shot != (self.query is not None):
            found = "missing; a class is asked for by a crop" if one_shot else "given; nothing is asked for"
            raise ValueError(f"query: {found} by task {self.task}")
        if one_shot and (self.matched or self.novel or self.train == "heads"):
            field = "matched: true" if self.matched else "novel: true" if self.novel else "train: heads"
            raise ValueError(f"{field}: not of task one_shot, which trains a whole detector to match a crop")
        return self


class PretrainProtocolSettings(ScheduleSettings):
    """What papers call "we pretrain for 60 epochs on ImageNet": no labels, an initial backbone."""

    task: Literal["pretrain"]
    dataset: Name
    backbone: Name
    """What the detector's backbone starts from."""
    short: Sizes
    """Short sides to resize an image to before views are cut, pixels."""
    longest: Count
    buckets: BucketSettings = AS_DRAWN
    """Which views share a batch, and what it is padded to."""
    features_ahead: bool = False
    """Features of the frozen backbone are made once per planned view: cheaper; colours then too."""
    pictures: Count = 4
    """How often predicted and wanted boxes are drawn while one trains, evenly spread."""


AnyProtocol = (
    ProtocolSettings
    | PretrainProtocolSettings
    | ProposalsProtocolSettings
    | CostProtocolSettings
    | PicturesProtocolSettings
)
Protocol = Annotated[AnyProtocol, Field(discriminator="task")]


class FinetuneRun(Settings):
    """Everything that decides one fine-tuning run."""

    stage: Literal["finetune"]
    recipe: int
    seed: int
    protocol: ProtocolSettings
    model: BoxModel
    trunk: TrunkSettings
    train: str
    """Index of the training set, from the root."""
    test: str
    fresh: Strings = ()
    """What the start does not bring, by key prefix (`class_head.`); everything else has to match."""
    heads: str | None = None
    """One-shot detection: file that has learned to make a query of a crop, from the root; unset: new."""
    unseen: Strings = ()
    """One-shot detection: classes that no training image shows, and that are asked for all the same."""


class PretrainRun(Settings):
    """Everything that decides one pretraining run."""

    stage: Literal["pretrain", "cost"]
    recipe: int
    seed: int
    protocol: PretrainProtocolSettings
    pretext: Pretext
    views: Views
    model: BoxModel
    trunk: TrunkSettings
    dataset: str
    """Index of the images, from the root."""
    plan: str
    """Planned views, from the root."""
    proposals: str | None = None
    """What their regions were chosen from, from the root; drawn in the pictures."""
    features: str | None = None
    """Features made ahead, from the root."""
    target: str | None = None
    """Backbone that says how regions look, from the root; where that is not the detector's."""
