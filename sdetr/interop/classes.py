"""Names of classes that published files do not carry."""

from sdetr.interop.names import Family

THINGS = {
    1: "person bicycle car motorcycle airplane bus train truck boat",
    10: "traffic_light fire_hydrant",
    13: "stop_sign parking_meter bench bird cat dog horse sheep cow elephant bear zebra giraffe",
    27: "backpack umbrella",
    31: "handbag tie suitcase frisbee skis snowboard sports_ball kite baseball_bat baseball_glove",
    41: "skateboard surfboard tennis_racket bottle",
    46: "wine_glass cup fork knife spoon bowl banana apple sandwich orange broccoli carrot hot_dog pizza",
    60: "donut cake chair couch potted_plant bed",
    67: "dining_table",
    70: "toilet",
    72: "tv laptop mouse remote keyboard cell_phone microwave oven toaster sink refrigerator",
    84: "book clock vase scissors teddy_bear hair_drier toothbrush",
}
"""First id of a run of ids → its names (arXiv:1405.0312); the papers' detectors have a class for every id."""
STUFF = {
    92: "banner blanket",
    95: "bridge",
    100: "cardboard",
    107: "counter",
    109: "curtain",
    112: "door-stuff",
    118: "floor-wood flower",
    122: "fruit",
    125: "gravel",
    128: "house",
    130: "light",
    133: "mirror-stuff",
    138: "net",
    141: "pillow",
    144: "platform playingfield",
    147: "railroad river road",
    151: "roof",
    154: "sand sea shelf",
    159: "snow",
    161: "stairs",
    166: "tent",
    168: "towel",
    171: "wall-brick",
    175: "wall-stone wall-tile wall-wood water-other",
    180: "window-blind window-other",
    184: "tree fence ceiling sky-other cabinet table floor-other pavement mountain grass dirt",
    195: "paper food-other building-other rock wall-other rug",
}
"""What panoptic detectors (arXiv:2005.12872 §5) name besides; `-merged` is left out."""
VOC = (
    "aeroplane bicycle bird boat bottle bus car cat chair cow diningtable dog horse motorbike person "
    "pottedplant sheep sofa train tvmonitor"
)


def published_classes(count: int, family: Family) -> tuple[tuple[str, ...], str]:
    """Distinct names of so many classes, guessed by their number, and in words what was guessed."""
    if count == 91:
        return _coco(count, THINGS), "COCO's 91 ids"
    if count == 250:
        return _coco(count, THINGS | STUFF), "COCO's 250 ids of things and stuff"
    if count == 20:
        return tuple(VOC.split()), "VOC's 20 from 0 on"
    if count == 21 and family == "deformable":  # DETReg's heads (arXiv:2106.04550) do not use the last
        return (*VOC.split(), "unused-20"), "VOC's 20 from 0 on"
    if count == 21:  # heads of DETR's code have one class more than the largest id, and COCO's ids begin at 1
        return ("unused-0", *VOC.split()), "VOC's 20 from 1 on"
    return tuple(f"class-{i}" for i in range(count)), "numbers"


def distinct(names: tuple[str, ...]) -> tuple[str, ...]:
    """Names that occur more than once get their number; `N/A`, which stands for nothing, is `unused`."""
    repeated = {name for name in names if names.count(name) > 1} | {"N/A"}
    return tuple(
        f"{'unused' if name == 'N/A' else name}-{i}" if name in repeated else name
        for i, name in enumerate(names)
    )


def _coco(count: int, runs: dict[int, str]) -> tuple[str, ...]:
    names = [f"unused-{i}" for i in range(count)]
    for first, run in runs.items():
        for i, name in enumerate(run.split(), first):
            names[i] = name.replace("_", " ")
    return tuple(names)
