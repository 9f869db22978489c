"""Self-supervised pretraining of DETR-family detectors, from declared settings to the papers' tables."""
