"""Data sets by name, and from files."""

from lmnn_sdp.datasets.builtin import DATASETS, PUBLISHED, load
from lmnn_sdp.datasets.dataset import Dataset
from lmnn_sdp.datasets.tables import Table, read_table
from lmnn_sdp.datasets.text import TextFormat

__all__ = ["DATASETS", "PUBLISHED", "Dataset", "Table", "TextFormat", "load", "read_table"]
