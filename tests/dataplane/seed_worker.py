# SPDX-License-Identifier: BSD-3-Clause
"""Writes the DPDK worker with a bug: a burst reads the pointer to the active set a second time.

A delay between the reads widens the window. usage: seed_worker.py WORKER_C OUTPUT
"""
import pathlib
import sys

GOOD = '''	burst_lookup(burst, set);
'''
BAD = GOOD + '''	rte_delay_us(20);
	set = __atomic_load_n(worker->active, __ATOMIC_ACQUIRE);
'''

source = pathlib.Path(sys.argv[1]).read_text()
assert source.count(GOOD) == 1, 'the seeded bug has lost its place'
pathlib.Path(sys.argv[2]).write_text(source.replace(GOOD, BAD))
