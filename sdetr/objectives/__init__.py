"""Objectives: views in, named losses out; fine-tuning is one of them."""
