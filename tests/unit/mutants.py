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
          'tests/fixtures/random_packet.c', 'tests/fixtures/rule_set.c', 'tests/fixtures/segments.c',
          'tests/fixtures/table_sets.c', 'tests/fixtures/boundaries.c', 'tests/oracle/oracle.c',
          'tests/oracle/oracle_tcp.c', 'control/daemon/disclosure.c', 'control/daemon/histogram.c',
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
    ('tag', '(old & 0x03ff) | dscp << 10', '(old & 0x00ff) | dscp << 10'),
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
    ('tcp', 'PT_TCP_OPTIONS_MAX = 16', 'PT_TCP_OPTIONS_MAX = 15'),
    ('tcp', 'PT_EXTENSIONS_MAX = 8', 'PT_EXTENSIONS_MAX = 9'),
    ('tcp', 'PT_TCP_OFFSET_MASK = 0x7fff', 'PT_TCP_OFFSET_MASK = 0x3fff'),
    ('tcp', 'PT_TCP_OPTIONS_MASK = 63', 'PT_TCP_OPTIONS_MASK = 31'),
    ('tcp', 'pt_load_net32(option + 6)', 'pt_load_net32(option + 2)'),
    ('tcp', 'option[1] < 2 ? 0', 'option[1] < 1 ? 0'),
    ('tcp', 'if (pos + 2 > bytes || option + 2 > end)', 'if (pos + 2 > bytes)'),
    ('tcp', 'if (step == 0 || pos + step > bytes)', 'if (step == 0)'),
    ('tcp', 'if (step == PT_TCP_TIMESTAMPS_BYTES &&\n\t\t\t    option', 'if (option'),
    ('tcp', '&&\n\t\t\t    option + PT_TCP_TIMESTAMPS_BYTES <= end)', ')'),
    ('tcp', 'if (options + 2 + PT_TCP_TIMESTAMPS_BYTES <= end &&', 'if (options + 4 <= end &&'),
    ('tcp', 'if (pos + PT_TCP_BYTES > end)', 'if (pos + 14 > end)'),
    ('tcp', 'header_bytes < PT_TCP_BYTES ||', ''),
    ('tcp', '|| (bytes && bytes < header_bytes)', ''),
    ('tcp', '(bytes && bytes < header_bytes)', '(bytes < header_bytes)'),
    ('tcp', '(PT_TCP_SYN | PT_TCP_FIN) || !bytes ||', '(PT_TCP_SYN | PT_TCP_FIN) ||'),
    ('tcp', 'bytes > header_bytes;', 'bytes > PT_TCP_BYTES;'),
    ('tcp', '(PT_TCP_SYN | PT_TCP_FIN) ||', 'PT_TCP_SYN ||'),
    ('tcp', '& 0x1fff;', '& 0x0fff;'),
    ('tcp', 'return (pos[1] + 2) * 4;', 'return (pos[1] + 1) * 8;'),
    ('tcp', '& 0xfff8 ? 0 : 8', '& 0xffff ? 0 : 8'),
    ('tcp', 'case PT_EXTENSION_ROUTING:', ''),
    ('tcp', 'if (pos + 8 > end)', 'if (pos + 2 > end)'),
    ('tcp', 'bytes += bytes ? PT_IPV6_BYTES : 0;', 'bytes += PT_IPV6_BYTES;'),
    ('tcp', 'bytes < offset + PT_TCP_BYTES)', 'bytes < offset)'),
    ('histogram', 'index >= PT_HISTOGRAM_BINS', 'index > PT_HISTOGRAM_BINS'),
    ('histogram', 'index = 1 + octave', 'index = octave'),
    ('histogram', '>= PT_BIN_COUNT_MAX', '> PT_BIN_COUNT_MAX'),
    ('histogram', 'place = (1 << PT_HISTOGRAM_PLACE_BITS) - 1;', 'place = 0;'),
    ('histogram', '(ns >> (width_bits - PT_HISTOGRAM_PLACE_BITS))', '(ns >> width_bits)'),
    ('histogram', 'PT_HISTOGRAM_OCTAVES	18', 'PT_HISTOGRAM_OCTAVES	17'),
    ('latency', 'index >= slots', 'index > slots'),
    ('latency', 'window->number != number', 'window->number > number'),
    ('latency', '1ull << bit % 64', '1u << bit % 64'),
    ('latency', 'windows[number % PT_LATENCY_WINDOWS]', 'windows[0]'),
    ('latency', 'i < sizeof(*window) / sizeof(*words)', 'i + 1 < sizeof(*window) / sizeof(*words)'),
    ('latency', '\t\tlane->lost++;\n\t\treturn;\n\t}\n\twindow->hosts', '\t\tlane->lost++;\n\t}\n\twindow->hosts'),
    ('latency', '(window_ms * 1000000ull)', '(window_ms * 1000000u)'),
    ('rtt', '(__s32)(tcp->tsval - (__u32)seen) <= 0', 'tcp->tsval <= (__u32)seen'),
    ('rtt', '(__s32)(tcp->tsval - (__u32)seen) <= 0', '(__s32)(tcp->tsval - (__u32)seen) < 0'),
    ('rtt', '!is_new && !begins && (__s32)', '!is_new && !handshake && (__s32)'),
    ('rtt', 'if (handshake || is_new ||', 'if (handshake ||'),
    ('rtt', '|| !tcp->is_acknowledged)\n\t\treturn begins', ')\n\t\treturn begins'),
    ('rtt', 'return !pt_rtt_is_under_way(pt_rtt_load(&flow->sample));', 'return 1;'),
    ('rtt', 'tcp->seq + 1 : tcp->tsval', 'tcp->seq : tcp->tsval'),
    ('rtt', '(sample >> 32 << 32) | (sample & PT_RTT_HANDSHAKE)', 'sample >> 32 << 32'),
    ('rtt', '*lost += pt_rtt_is_under_way(sample);', ''),
    ('rtt', '|| !(tcp->flags & PT_TCP_ACK))', ')'),
    ('rtt', 'if (!handshake && !tcp->has_timestamps)\n\t\treturn PT_RTT_OTHER;', ''),
    ('rtt', 'beyond > 0 ||', ''),
    ('rtt', '|| tcp->flags & PT_TCP_RST ?', '?'),
    ('rtt', '(pt_rtt_time(now_ns) - begun) & PT_RTT_TIME_MASK', 'pt_rtt_time(now_ns) - begun'),
    ('rtt', '(PT_RTT_MAX_US * 1000ull)', '(PT_RTT_MAX_US * 100ull)'),
    ('rtt', 'rtt_random', 'return time ? time : 1;', 'return time & ~1u;'),
    ('rtt', 'rtt_table', '(hash & PT_RTT_TAG_MASK) | PT_RTT_USED', 'hash & PT_RTT_TAG_MASK'),
    ('rtt', 'rtt_table', 'PT_RTT_TAG_MASK) || !seen)', 'PT_RTT_TAG_MASK))'),
    ('rtt', 'rtt_table', '0xfffffffe00000000ull', '0xfffffffc00000000ull'),
    ('rtt', 'rtt_table', 'hash & (PT_RTT_LINES - 1)', 'hash & (PT_RTT_LINES / 2 - 1)'),
    ('rtt', 'rtt_table', '& PT_RTT_USED)\n\t\t\tcontinue;', '& PT_RTT_USED && i)\n\t\t\tcontinue;'),
    ('rtt', 'rtt_table', 'pt_rtt_swap(&flow->seen, seen, seen | PT_RTT_USED);', ';'),
    ('rtt', 'rtt_table', 'seen, seen & ~PT_RTT_USED)', 'seen, seen)'),
    ('rtt', 'rtt_table', '\t(*lost)++;\n\treturn NULL;', '\treturn NULL;'),
    ('rtt', 'rtt_table', 'if (pt_rtt_is_under_way(pt_rtt_load(&flow->sample)))\n\t\t\t(*lost)++;', ''),
    ('rtt', 'rtt_table', 'pt_rtt_store(&flow->sample, 0);', ';'),
    ('rtt', 'rtt_table', '(__u32)customer_port << 16 | other_port', 'customer_port'),
    ('rtt', 'rtt_table', 'third << 32 | pt_load_u32(addr + 12)', 'third << 32 | pt_load_u32(addr + 8)'),
    ('rtt', 'rtt_table', 'first << 32 | pt_load_u32(addr + 4);\n\t/*', 'pt_load_u32(addr + 8);\n\t/*'),
    ('rtt', 'rtt_table', 'pt_rtt_mix(pt_rtt_mix(~secret, first), secret)', 'first'),
    ('rtt', 'rtt_table', 'family == 4 ? 16 : 24', 'family == 4 ? 16 : 8'),
    ('rtt', 'rtt_table', 'tcp->source_port, tcp->destination_port);', 'tcp->destination_port, tcp->source_port);'),
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
    ('control/daemon/disclosure.c', 'disclosure', '>= disclosure->min_hosts',
     '> disclosure->min_hosts'),
    ('control/daemon/disclosure.c', 'disclosure', '>= disclosure->min_hosts',
     '>= disclosure->min_hosts - 1'),
    ('control/daemon/disclosure.c', 'disclosure',
     'if (enough_hosts(disclosure, disclosure->withheld_hosts))', 'if (1)'),
    ('control/daemon/disclosure.c', 'disclosure',
     'if (enough_hosts(disclosure, disclosure->withheld_hosts))', 'if (0)'),
    ('control/daemon/disclosure.c', 'disclosure', 'withheld_hosts[i].words', 'withheld_hosts[0].words'),
    ('control/daemon/disclosure.c', 'disclosure', 'words[word] |= slot', 'words[word] = slot'),
    ('control/daemon/disclosure.c', 'disclosure',
     'memset(&disclosure->withheld, 0, sizeof(disclosure->withheld));', ''),
    ('control/daemon/histogram.c', 'quantiles', '(place + 0.5)', '(place + 8)'),
    ('control/daemon/histogram.c', 'quantiles', 'stands_alone(histogram, bin) ? mean : ', ''),
    ('control/daemon/histogram.c', 'quantiles', 'rank += (double)rank < exact || rank == 0;', ''),
    ('control/daemon/histogram.c', 'quantiles', 'ns > (double)bounds', 'ns / 2 > (double)bounds'),
    ('control/daemon/histogram.c', 'quantiles', '+= count;\n\t\tbuckets->sum', '= count;\n\t\tbuckets->sum'),
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
                    '-lcmocka', '-lxxhash', '-ljansson', '-lsqlite3', '-pthread', '-lm'], check=True)
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
