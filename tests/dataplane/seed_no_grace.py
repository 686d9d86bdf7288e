# SPDX-License-Identifier: BSD-3-Clause
"""Writes the DPDK engine's table with a bug: it does not wait for workers on the set before.

usage: seed_no_grace.py TABLE_C OUTPUT
"""
import pathlib
import sys

GOOD = 'while (!rte_rcu_qsbr_check(table->qsbr, token, false))'
BAD = 'while (false && !rte_rcu_qsbr_check(table->qsbr, token, false))'

source = pathlib.Path(sys.argv[1]).read_text()
assert source.count(GOOD) == 1, 'the seeded bug has lost its place'
pathlib.Path(sys.argv[2]).write_text(source.replace(GOOD, BAD))
