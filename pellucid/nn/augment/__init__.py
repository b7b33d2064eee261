"""Augmentation as layers: inputs changed at random in training, left alone in evaluation.

They are part of the graph of the training step, so they run wherever it runs, and their draws are a
function of (seed, step, draw, element): the same run gives the same images. Images are (batch,
height, width, channels) of floats.
"""

from pellucid.nn.augment.affine import RandomAffine
from pellucid.nn.augment.colour import ColourJitter
from pellucid.nn.augment.crop import RandomCrop, RandomFlip
from pellucid.nn.augment.erase import Cutout, RandomErase
from pellucid.nn.augment.mix import CutMix, Mixup
from pellucid.nn.augment.rand_augment import RandAugment
from pellucid.nn.augment.swap import SwapNoise

__all__ = [
    "ColourJitter",
    "CutMix",
    "Cutout",
    "Mixup",
    "RandAugment",
    "RandomAffine",
    "RandomCrop",
    "RandomErase",
    "RandomFlip",
    "SwapNoise",
]
