#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Puts one bug after the other into the classifier's headers; the unit tests must notice each.

    mutants.py COMPILER
"""
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
SHARED = ['fixtures/packets.c', 'fixtures/rules.c', 'fixtures/random.c', 'fixtures/random_packet.c',
          'fixtures/rule_set.c', 'fixtures/boundaries.c', 'oracle/oracle.c']
SEED = '1'

# header and test, what stands there, what stands there instead
MUTANTS = [
    ('packet', 'if (pos + PT_IPV4_BYTES > end)', 'if (0)'),
    ('packet', 'if (pos + PT_IPV4_BYTES > end)', 'if (pos + PT_IPV4_BYTES >= end)'),
    ('packet', '(pos[0] & 0x0f) * 4', '(pos[0] & 0x07) * 4'),
    ('packet', 'pos[0] >> 4 != 4 ||', ''),
    ('packet', 'header_bytes < PT_IPV4_BYTES ||', ''),
    ('packet', '|| pos + header_bytes > end', ''),
    ('packet', 'if (total_bytes && total_bytes < header_bytes)', 'if (total_bytes < header_bytes)'),
    ('packet', 'if (total_bytes && total_bytes < header_bytes)',
     'if (total_bytes && total_bytes <= header_bytes)'),
    ('packet', 'if (total_bytes && total_bytes < header_bytes)',
     'if (total_bytes && total_bytes < PT_IPV4_BYTES)'),
    ('packet', 'if (pos + PT_IPV6_BYTES > end ||', 'if (pos + PT_IPV6_BYTES > end + 1 ||'),
    ('packet', '|| pos[0] >> 4 != 6)', ')'),
    ('packet', 'if (pos + PT_PPPOE_BYTES > end)', 'if (pos + PT_PPPOE_BYTES > end + 1)'),
    ('packet', 'pos[0] != 0x11 || pos[1] != 0', 'pos[0] != 0x11'),
    ('packet', 'pos[0] != 0x11 || pos[1] != 0', 'pos[1] != 0'),
    ('packet', 'PT_PPP_IPV6 = 0x0057', 'PT_PPP_IPV6 = 0x0058'),
    ('packet', 'if (pos + 1 > end)', 'if (0)'),
    ('packet', 'PT_LABEL_DEPTH = 8', 'PT_LABEL_DEPTH = 7'),
    ('packet', 'depth < PT_LABEL_DEPTH', 'depth <= PT_LABEL_DEPTH'),
    ('packet', 'if (pos + PT_LABEL_BYTES > end)', 'if (pos + PT_LABEL_BYTES >= end)'),
    ('packet', 'pos[-2] & 1', 'pos[-1] & 1'),
    ('packet', 'type == PT_ETHERTYPE_QINQ_OLD;', '0;'),
    ('packet', 'type == PT_ETHERTYPE_QINQ ||', ''),
    ('packet', 'depth < PT_VLAN_DEPTH &&', 'depth <= PT_VLAN_DEPTH &&'),
    ('packet', 'depth < PT_VLAN_DEPTH &&', 'depth < 1 &&'),
    ('packet', 'if (pos + PT_VLAN_BYTES > end)', 'if (pos + PT_VLAN_BYTES > end + 1)'),
    ('packet', 'case PT_ETHERTYPE_MPLS_MULTICAST:', ''),
    ('packet', 'return PT_OUTCOME_UNSUPPORTED;\n\tdefault', 'return PT_OUTCOME_NOT_IP;\n\tdefault'),
    ('packet', 'PT_ETHERNET_BYTES = 14', 'PT_ETHERNET_BYTES = 15'),
    ('tag', '(old & 0xff03) | dscp << 2', '(old & 0xff00) | dscp << 2'),
    ('tag', '(__u16)~old + new', 'old + new'),
    ('tag', 'sum = (sum & 0xffff) + (sum >> 16);\n\tsum', 'sum'),
    ('tag', '& 0xf03f) | dscp << 6', '& 0xf00f) | dscp << 6'),
    ('tag', 'source ? source : destination', 'destination ? destination : source'),
    ('tag', '(old & ~mask) |', 'old |'),
    ('tag', 'PT_ETHERTYPE_VLAN);', 'PT_ETHERTYPE_QINQ);'),
    ('counters', 'counter < capacity', 'counter <= capacity'),
    ('counters', 'source->counter, PT_RECEIVE', 'source->counter, PT_TRANSMIT'),
    ('counters', '+ PT_LANE_ALIGN - 1)', ')'),
    ('counters', 'lane < counters->lane_count', 'lane + 1 < counters->lane_count'),
    ('counters', 'outcome < PT_OUTCOMES', 'outcome + 1 < PT_OUTCOMES'),
]


def compile_object(compiler, source, target, include):
    tests = ROOT / 'tests'
    subprocess.run([compiler, '-std=gnu17', '-D_GNU_SOURCE', '-O1', '-w', '-fsanitize=address',
                    f'-I{include}',
                    f'-I{tests}/fixtures', f'-I{tests}/oracle', '-c', source, '-o', target],
                   check=True)


def verdict(compiler, folder, objects, number):
    """Whether the mutant of this number is noticed; None if its place is no longer there."""
    name, old, new = MUTANTS[number]
    include = folder / f'include-{number}'
    shutil.copytree(ROOT / 'include', include)
    header = include / 'peertag' / f'{name}.h'
    text = header.read_text()
    if old not in text:
        return None
    header.write_text(text.replace(old, new, 1))
    program = folder / f'test-{number}'
    compile_object(compiler, ROOT / 'tests' / 'unit' / f'test_{name}.c', f'{program}.o', include)
    subprocess.run([compiler, '-fsanitize=address', f'{program}.o', *objects, '-o', program, '-lcmocka', '-lxxhash'],
                   check=True)
    done = subprocess.run([program], capture_output=True, timeout=60, check=False,
                          env={'PEERTAG_SEED': SEED})
    return done.returncode != 0


def main():
    compiler = sys.argv[1]
    with tempfile.TemporaryDirectory(prefix='peertag-mutants-') as name:
        folder = Path(name)
        objects = []
        for source in SHARED:
            objects.append(folder / (Path(source).stem + '.o'))
            compile_object(compiler, ROOT / 'tests' / source, objects[-1], ROOT / 'include')
        with ThreadPoolExecutor(2) as pool:
            verdicts = list(pool.map(lambda n: verdict(compiler, folder, objects, n),
                                     range(len(MUTANTS))))
    for mutant, noticed in zip(MUTANTS, verdicts):
        if not noticed:
            why = 'stayed unnoticed' if noticed is False else 'has no place any more'
            print(f'{mutant[0]}.h: {mutant[1]!r} -> {mutant[2]!r} {why}')
    print(f'{len(MUTANTS)} bugs, {sum(v is True for v in verdicts)} noticed')
    return 0 if all(verdicts) else 1


if __name__ == '__main__':
    sys.exit(main())
