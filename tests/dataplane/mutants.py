#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Puts one bug after the other into the BPF programs; test_classify_xdp must notice each.

    mutants.py ROOT

Works on a copy with a build folder of its own. Skipped (77) without root.
"""
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

MUTANTS = [
    ('bpf/frame.h', 'key.addr_be = *(__u32 *)(frame->packet.ip + 16)',
     'key.addr_be = *(__u32 *)(frame->packet.ip + 12)'),
    ('bpf/frame.h', 'key6_fill(&key, frame->packet.ip + 24)',
     'key6_fill(&key, frame->packet.ip + 8)'),
    ('bpf/frame.h', '{.len = 32}', '{.len = 31}'),
    ('bpf/frame.h', '{.len = 128}', '{.len = 127}'),
    ('bpf/frame.h', 'key->addr_be[3] = words[3]', 'key->addr_be[3] = words[2]'),
    ('bpf/frame.h', 'if (frame->packet.family == 4)', 'if (frame->packet.family != 4)'),
    ('bpf/frame.h', 'port->tagged[carrier] += packets', 'port->tagged[carrier] += 2 * packets'),
    ('bpf/xdp.h', 'frame->bytes = bytes', 'frame->bytes = bytes + 4'),
    ('bpf/xdp.h', 'received[frame->outcome]', 'sent[frame->outcome]'),
    ('bpf/xdp.h', '&& class->dscp != PT_DSCP_NONE', ''),
    ('bpf/xdp.h', '&& class->vlan != PT_VLAN_NONE', ''),
    ('bpf/xdp.h', 'metadata->mark = mark', 'metadata->mark = mark & 0xffff'),
    ('bpf/xdp.h', 'metadata->magic = PT_METADATA_MAGIC;', ''),
    ('bpf/xdp.h', 'pt_tag_vlan(data, vlan);', ''),
    ('bpf/xdp.h', 'return XDP_DROP', 'return XDP_ABORTED'),
    ('bpf/tc.h', 'frame->bytes = skb->wire_len', 'frame->bytes = skb->wire_len - 14'),
    ('bpf/tc.h', 'options.mark_mask)', '0xffffffff)'),
    ('bpf/tc.h', 'sent[frame->outcome]', 'received[frame->outcome]'),
    ('dataplane/snapshot.c', 'snapshot->checksum != pt_snapshot_checksum(snapshot)', '0'),
    ('dataplane/xdp/native.c', '.received[ret->outcome]', '.sent[ret->outcome]'),
]
IGNORED = shutil.ignore_patterns('.git', 'build*', '__pycache__')


def noticed(root, build, mutant):
    """'noticed', or what is wrong with the mutant; a program that does not load is noticed."""
    path, old, new = mutant
    source = root / path
    good = source.read_text()
    if old not in good:
        return 'has no place any more'
    source.write_text(good.replace(old, new, 1))
    try:
        built = subprocess.run(['ninja', '-C', build, 'tests/dataplane/test_classify_xdp'],
                               capture_output=True, text=True, check=False)
        if built.returncode:
            return 'does not compile: ' + built.stdout[-400:]
        done = subprocess.run([build / 'tests/dataplane/test_classify_xdp'], capture_output=True,
                              check=False, timeout=120, env={'PEERTAG_SEED': '1'})
        return 'noticed' if done.returncode not in (0, 77) else 'stayed unnoticed'
    finally:
        source.write_text(good)


def main():
    if os.geteuid() != 0:
        print('skipped: loading BPF programs needs root')
        return 77
    with tempfile.TemporaryDirectory(prefix='peertag-mutants-') as folder:
        root, build = Path(folder, 'tree'), Path(folder, 'build')
        shutil.copytree(sys.argv[1], root, ignore=IGNORED)
        subprocess.run(['meson', 'setup', build, root, '-Dbpf=enabled'], check=True,
                       capture_output=True)
        good = noticed(root, build, ('meson.build', 'project(', 'project('))
        if good != 'stayed unnoticed':
            print('without any bug:', good)
            return 1
        verdicts = [noticed(root, build, mutant) for mutant in MUTANTS]
    for (path, old, new), verdict in zip(MUTANTS, verdicts):
        if verdict != 'noticed':
            print(f'{path}: {old!r} -> {new!r} {verdict}')
    print(f'{len(MUTANTS)} bugs, {verdicts.count("noticed")} noticed')
    return 0 if verdicts.count('noticed') == len(MUTANTS) else 1


if __name__ == '__main__':
    sys.exit(main())
