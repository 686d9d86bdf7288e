#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Puts one bug after the other into the classifier's headers, the table and the alerts; the unit
tests must notice each.

    mutants.py COMPILER
"""
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
SHARED = ['tests/fixtures/packets.c', 'tests/fixtures/rules.c', 'tests/fixtures/random.c',
          'tests/fixtures/random_packet.c', 'tests/fixtures/rule_set.c',
          'tests/fixtures/table_sets.c', 'tests/fixtures/boundaries.c', 'tests/oracle/oracle.c',
          'control/table/build4.c', 'control/table/build6.c', 'control/table/image.c',
          'control/table/runs.c', 'control/table/snapshot_build.c', 'control/table/vector.c',
          'dataplane/snapshot.c', 'dataplane/table_verify.c']
ALERTS = ['tests/unit/registry_fixture.c', 'tests/unit/alerts_scene.c', 'control/config/suggest.c', 'control/daemon/alert.c',
          'control/daemon/alerts.c', 'dataplane/snapshot.c', 'dataplane/table_verify.c',
          *(f'control/table/{name}.c'
            for name in ('build4', 'build6', 'image', 'runs', 'snapshot_build', 'vector')),
          *(str(path.relative_to(ROOT)) for path in sorted((ROOT / 'control/registry').glob('*.c')))]
SEED = '1'

# header and test; or the header or source, and the test; what stands there, what stands there instead
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
    ('counters', 'source, PT_RECEIVE', 'source, PT_TRANSMIT'),
    ('counters', '+ PT_LANE_ALIGN - 1)', ')'),
    ('counters', 'lane < counters->lane_count', 'lane + 1 < counters->lane_count'),
    ('counters', 'outcome < PT_OUTCOMES', 'outcome + 1 < PT_OUTCOMES'),
    ('table', 'image', 'return node->before[word] +', 'return 1 + node->before[word] +'),
    ('table', 'image', '(~byte & 63)', '(byte & 63)'),
    ('table', 'image', 'rank += below >> 63', 'rank += below == 0 || below >> 63'),
    ('table', 'image', 'if (!(value & table->split))\n\t\treturn value;',
     'if (value)\n\t\treturn value;'),
    ('table', 'image', 'bits * 0x0101010101010101 >> 56', 'bits * 0x0101010101010101 >> 57'),
    ('table', 'image', '& table->value_mask', '& 0xffff'),
    ('table', 'image', 'ref = leaf->children + (', 'ref = leaf->children | ('),
    ('control/table/runs.c', 'image', '- 1) == class)', '- 1) != class)'),
    ('control/table/runs.c', 'image', 'sweep_open(&sweep, 0, UINT32_MAX, default_class);',
     'sweep_open(&sweep, 0, UINT32_MAX, 0);'),
    ('control/table/runs.c', 'image', '.last + 1;', '.last;'),
    ('control/table/build6.c', 'image',
     'memset(leaf->last, 0xff, sizeof(leaf->last));', ''),
    ('control/table/build6.c', 'image', 'layer_put(layer, window - 1,', 'layer_put(layer, window,'),
    ('control/table/build6.c', 'image',
     'subtree_deepen(image, &subtrees[(uint32_t)items[i].value], depth);', ';'),
    ('control/table/image.c', 'image', 'image->wide ? 0xffffffff : 0xffff', '0xffff'),
    ('control/table/image.c', 'image', 'class_count > PT_TABLE_NARROW_CLASSES', 'class_count > 0xffff'),
    ('control/daemon/alert.c', 'alerts', 'if (!alert->turned_us)', 'if (1)'),
    ('control/daemon/alert.c', 'alerts', '\t\talert->turned_us = 0;\n\t\treturn false;', '\t\treturn false;'),
    ('control/daemon/alert.c', 'alerts', 'holds ? kinds[kind].after_s : kinds[kind].until_s',
     'kinds[kind].after_s'),
    ('control/daemon/alerts.c', 'alerts', 'return connection->monitor;', 'return true;'),
    ('control/daemon/alerts.c', 'alerts', 'gap_us < after_us ||', 'gap_us < after_us / 2 ||'),
    ('control/daemon/alerts.c', 'alerts', '|| gap_us >= ASLEEP_US', ''),
    ('control/daemon/alerts.c', 'alerts', '< STEADY_TIMES * after_us', '< 0'),
    ('control/daemon/alerts.c', 'alerts', '<= after_us / 2;', '<= ASLEEP_US;'),
    ('control/daemon/alerts.c', 'alerts', 'record->looked_at && received > record->received',
     'record->looked_at && received != record->received'),
    ('control/daemon/alerts.c', 'alerts', 'backup && rate >', 'rate >'),
    ('control/daemon/alerts.c', 'alerts', 'rate > ALERTS_BACKUP_PACKETS', 'rate > 0'),
    ('control/daemon/alerts.c', 'alerts', '*record = *old++;', 'old++;'),
    ('control/daemon/alerts.c', 'alerts', 'if (record->alerts[kind].firing)', 'if (0)'),
    ('control/daemon/alerts.c', 'alerts', 'record->windows >= ALERTS_FIRST_WINDOWS &&', ''),
    ('control/daemon/alerts.c', 'alerts', '> ALERTS_USUAL_SECONDS', '> 0'),
    ('control/daemon/alerts.c', 'alerts', 'ALERTS_USUAL_FACTOR * record', 'record'),
    ('control/daemon/alerts.c', 'alerts', 'threshold_ms && ', ''),
    ('control/daemon/alerts.c', 'alerts', '< STALE_US)', '< 100 * STALE_US)'),
    ('control/daemon/alerts.c', 'alerts',
     '(record->windows < ALERTS_USUAL_WINDOWS ? record->windows : ALERTS_USUAL_WINDOWS)',
     'record->windows'),
    ('control/daemon/alerts.c', 'alerts_edge', 'engine->up && !engine->current', '!engine->current'),
    ('control/daemon/alerts.c', 'alerts_edge', 'record->looked_at && engine->tag_failures', 'engine->tag_failures'),
    ('dataplane/table_verify.c', 'table_verify', '(ref & LOW_BITS) < PT_TABLE_LEVELS &&', ''),
    ('dataplane/table_verify.c', 'table_verify',
     '(branch->children & LOW_BITS) != (__u32)level - 1 ||', ''),
    ('dataplane/table_verify.c', 'table_verify', 'value > table->class_count', 'value > 0x7fff'),
    ('dataplane/table_verify.c', 'table_verify', 'node->before[word] != runs', '0'),
    ('dataplane/table_verify.c', 'table_verify', '> sections->bytes)', '> sections->bytes + 64)'),
    ('dataplane/table_verify.c', 'table_verify', '!below ||', ''),
    ('dataplane/table_verify.c', 'table_verify', 'if (children && !level_has', 'if (0 && !level_has'),
    ('dataplane/table_verify.c', 'table_verify', 'if (!level_has(sections, refs[i], 1))', 'if (0)'),
]


def flags_of(test):
    """What looks addresses up by the thousand only needs to give wrong answers."""
    return ['-O2'] if test == 'image' else ['-O1', '-fsanitize=address']


def compile_object(compiler, test, source, target, include):
    tests = ROOT / 'tests'
    subprocess.run([compiler, '-std=gnu17', '-D_GNU_SOURCE', '-w', *flags_of(test), f'-I{include}',
                    f'-I{tests}/fixtures', f'-I{tests}/oracle', f'-I{ROOT}/control',
                    f'-I{source.parent}', f'-I{ROOT}/control/table', f'-I{ROOT}/control/daemon',
                    '-c', source, '-o', target], check=True)


def objects_make(compiler, folder, test):
    """What all mutants of a test are linked with, by source."""
    sources = ALERTS if test.startswith('alerts') else SHARED
    objects = {source: folder / f'{test}-{Path(source).stem}.o' for source in sources}
    for source, target in objects.items():
        compile_object(compiler, test, ROOT / source, target, ROOT / 'include')
    return objects


def seed(path, old, new):
    """Puts the bug into a file; False if its place is no longer there."""
    text = path.read_text()
    path.write_text(text.replace(old, new, 1))
    return old in text


def build(compiler, folder, objects, mutant):
    """The mutant's test as a program; None if its place is no longer there."""
    *files, old, new = mutant
    include, test = ROOT / 'include', files[-1]
    objects = dict(objects[test])
    if '/' in files[0]:
        source = folder / Path(files[0]).name
        shutil.copy(ROOT / files[0], source)
        if not seed(source, old, new):
            return None
        objects[files[0]] = folder / 'mutant.o'
        compile_object(compiler, test, source, objects[files[0]], include)
    else:
        include = folder / 'include'
        shutil.copytree(ROOT / 'include', include)
        if not seed(include / 'peertag' / f'{files[0]}.h', old, new):
            return None
    program = folder / 'test'
    compile_object(compiler, test, ROOT / 'tests' / 'unit' / f'test_{test}.c', f'{program}.o', include)
    subprocess.run([compiler, *flags_of(test), f'{program}.o', *objects.values(), '-o', program,
                    '-lcmocka', '-lxxhash', '-ljansson', '-lsqlite3'], check=True)
    return program


def verdict(compiler, folder, objects, mutant):
    """Whether the mutant is noticed; None if its place is no longer there."""
    folder.mkdir()
    program = build(compiler, folder, objects, mutant)
    if not program:
        return None
    try:
        done = subprocess.run([program], capture_output=True, timeout=120, check=False, cwd=ROOT,
                              env={'PEERTAG_SEED': SEED, 'CMOCKA_TEST_ABORT': '1'})
    finally:
        shutil.rmtree(folder)
    return done.returncode != 0


def main():
    compiler = sys.argv[1]
    with tempfile.TemporaryDirectory(prefix='peertag-mutants-') as name:
        folder = Path(name)
        objects = {test: objects_make(compiler, folder, test)
                   for test in {mutant[-3] for mutant in MUTANTS}}
        with ThreadPoolExecutor(2) as pool:
            verdicts = list(pool.map(lambda n: verdict(compiler, folder / str(n), objects, MUTANTS[n]),
                                     range(len(MUTANTS))))
    for mutant, noticed in zip(MUTANTS, verdicts):
        if not noticed:
            why = 'stayed unnoticed' if noticed is False else 'has no place any more'
            print(f'{mutant[0]}: {mutant[-2]!r} -> {mutant[-1]!r} {why}')
    print(f'{len(MUTANTS)} bugs, {sum(v is True for v in verdicts)} noticed')
    return 0 if all(verdicts) else 1


if __name__ == '__main__':
    sys.exit(main())
