"""What the papers' repositories build and the papers print, on COCO's 91 ids with ResNet-50."""

TRAINABLE = {
    "detr-prenorm": 41_302_368 + 512,  # one more norm, after the encoder
    "detr": 41_302_368,
    "conditional-300q": 43_196_001,
    "deformable_ss": 33_844_193,
    "deformable": 39_847_265,
    "deformable_refine": 40_627_260,
    "deformable_two_stage": 40_959_129,
    "dab": 43_449_117,
    "dab-3patterns": 43_449_885,
    "dab_deformable": 47_183_594,
    "dn_dab": 43_472_577,
    "dn_dab_deformable": 47_206_754,
}
"""Model of params/models → parameters that learn."""
PANOPTIC = 42_676_888
"""Of `detr` with a mask head, on the 250 ids of COCO's things and stuff."""

GFLOPS = {
    "detr": 86,  # arXiv:2005.12872
    "conditional-300q": 90,  # arXiv:2108.06152
    "deformable": 173,  # arXiv:2010.04159
    "dab": 94,  # arXiv:2201.12329
}
"""Multiply-adds in billions, means over images of COCO, most of which are larger than 800×1066."""
