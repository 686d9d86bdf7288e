# SPDX-License-Identifier: BSD-3-Clause
"""Writes the BPF program as one file, with a bug: the second lookup reads the active side again.

A delay between the reads widens the window. usage: seed_two_reads.py BPF_FOLDER OUTPUT
"""
import pathlib
import re
import sys

GOOD = '''		frame->destination_class =
			pt_table_find4(table, '''
BAD = '''		__u32 side;

		bpf_loop(1000, seeded_delay, 0, 0);
		side = side_active();
		table = bpf_map_lookup_elem(&tables, &side);
		if (!table)
			return;
''' + GOOD
DELAY = '''static __always_inline __u32 side_active(void);

static long seeded_delay(__u32 i, void *argument)
{
	return !argument && i > 1000;
}

'''
FUNCTION = 'static __always_inline void frame_find(struct frame *frame'


def inline(path, seen):
    def included(match):
        target = path.parent / match[1]
        if target in seen:
            return ''
        seen.add(target)
        return inline(target, seen)
    return re.sub(r'^#include "(.*)"$', included, path.read_text(), flags=re.M)


source = inline(pathlib.Path(sys.argv[1]) / 'peertag.bpf.c', set())
assert source.count(GOOD) == 1 and source.count(FUNCTION) == 1, 'the seeded bug has lost its place'
pathlib.Path(sys.argv[2]).write_text(
    source.replace(GOOD, BAD).replace(FUNCTION, DELAY + FUNCTION))
