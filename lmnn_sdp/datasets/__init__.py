"""Data sets by name, and from files."""

from lmnn_sdp.datasets.builtin import DATASETS, load
from lmnn_sdp.datasets.dataset import Dataset
from lmnn_sdp.datasets.tables import read_table

__all__ = ["DATASETS", "Dataset", "load", "read_table"]
