"""Where the rows of each step come from: arrays in memory, arrays in files, or iterators of batches."""

from pellucid.train.batches.base import Batches, Chunk
from pellucid.train.batches.gathered import GatheredBatches
from pellucid.train.batches.iterated import IteratedBatches
from pellucid.train.batches.resident import ResidentBatches

__all__ = ["Batches", "Chunk", "GatheredBatches", "IteratedBatches", "ResidentBatches"]
