# SPDX-License-Identifier: BSD-3-Clause
"""The round-trip times that an engine holds, as its shared memory has them."""

import json
import os

from edge import BUILD
from namespace import run

READER = os.path.join(BUILD, "tests", "dataplane", "latency_reader")
PLACES = 256


class Histogram:
    """Bins {(from, to): (count, places)}, in nanoseconds."""

    def __init__(self, bins=None):
        self.bins = bins or {}

    @property
    def count(self):
        return sum(count for count, _ in self.bins.values())

    def __sub__(self, before):
        left = {}
        for span, (count, places) in self.bins.items():
            earlier = before.bins.get(span, (0, 0))
            if count > earlier[0]:
                left[span] = (count - earlier[0], places - earlier[1])
        return Histogram(left)

    def quantile(self, share):
        """
        In seconds. Within its bin the times are taken to be spread evenly around their mean, as
        far as the nearer end of the bin.
        """
        rank = share * self.count
        for (start, end), (count, places) in sorted(self.bins.items()):
            if rank <= count:
                mean = places / count / PLACES + 0.5 / PLACES
                place = mean + (2 * rank / count - 1) * min(mean, 1 - mean)
                return (start + (end - start) * place) / 1e9
            rank -= count
        raise ValueError("no samples")

    def longest(self):
        """The end of the last bin that has a sample, in seconds."""
        return max(end for _, end in self.bins) / 1e9


def latency_document(edge):
    name = edge.engine_entry()["name"]
    return json.loads(run(READER, edge.path(f"engine-{name}.sock")).stdout)


def latency_read(edge):
    """({slot: Histogram}, samples lost): of all windows."""
    document = latency_document(edge)
    slots = {}
    for slot, windows in document["slots"].items():
        bins = {}
        for window in windows:
            for start, end, count, places in window["bins"]:
                earlier = bins.get((start, end), (0, 0))
                bins[start, end] = (earlier[0] + count, earlier[1] + places)
        slots[int(slot)] = Histogram(bins)
    return slots, document["lost"]
