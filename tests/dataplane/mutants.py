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

TRIES = [
    ('bpf/frame.h', 'key.addr_be = *(__u32 *)(frame->packet.ip + 16)',
     'key.addr_be = *(__u32 *)(frame->packet.ip + 12)'),
    ('bpf/frame.h', 'key6_fill(&key, frame->packet.ip + 24)',
     'key6_fill(&key, frame->packet.ip + 8)'),
    ('bpf/frame.h', '{.len = 32}', '{.len = 31}'),
    ('bpf/frame.h', '{.len = 128}', '{.len = 127}'),
    ('bpf/frame.h', 'key->addr_be[3] = words[3]', 'key->addr_be[3] = words[2]'),
    ('dataplane/xdp/rules.c', 'batch_add_default(batch, snapshot, family);', ''),
]
MUTANTS = [
    ('bpf/frame.h', '*(__u32 *)(ip + 16)), mask)', '*(__u32 *)(ip + 12)), mask)'),
    ('bpf/frame.h', 'addr6(ip + 24)', 'addr6(ip + 8)'),
    ('bpf/frame.h', '__builtin_bswap32(words[3])', '__builtin_bswap32(words[2])'),
    ('bpf/frame.h', '(class - 1) * (__u64)sizeof', 'class * (__u64)sizeof'),
    ('bpf/frame.h', 'counter_find(table, frame->destination_class, frame->destination)',
     'counter_find(table, frame->source_class, frame->destination)'),
    ('include/peertag/table.h', 'table->counted ? class - 1', 'table->counted ? class'),
    ('include/peertag/table.h', 'class <= table->counted ?', 'class <= table->counted + 1 ?'),
    ('dataplane/xdp/table.c', 'memcpy(state_table(table->state, side), image, image->bytes)',
     'memcpy(state_table(table->state, side), image, image->bytes / 2)'),
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
IGNORED = shutil.ignore_patterns('.git', 'build', 'build-*', '__pycache__')


def noticed(root, build, mutant, table):
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
        done = subprocess.run([build / 'tests/dataplane/test_classify_xdp', table],
                              capture_output=True, check=False, timeout=300,
                              env={'PEERTAG_SEED': '1'})
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
        uplot = Path(sys.argv[1], 'build', 'page', 'node_modules', 'uplot').resolve()
        subprocess.run(['meson', 'setup', build, root, '-Dbpf=enabled', f'-Duplot={uplot}'],
                       check=True, capture_output=True)
        tried = [(mutant, 'lpm') for mutant in TRIES] + [(mutant, 'flat') for mutant in MUTANTS]
        for table in ('lpm', 'flat'):
            good = noticed(root, build, ('meson.build', 'project(', 'project('), table)
            if good != 'stayed unnoticed':
                print('without any bug:', good)
                return 1
        verdicts = [noticed(root, build, *mutant) for mutant in tried]
    for ((path, old, new), _), verdict in zip(tried, verdicts):
        if verdict != 'noticed':
            print(f'{path}: {old!r} -> {new!r} {verdict}')
    print(f'{len(tried)} bugs, {verdicts.count("noticed")} noticed')
    return 0 if verdicts.count('noticed') == len(tried) else 1


if __name__ == '__main__':
    sys.exit(main())
