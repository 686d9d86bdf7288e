#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Runs one fuzz target for some seconds on seeds that are made anew.

    fuzz.py TARGET WRITE_SEEDS KIND SECONDS [CORPUS]

An input that breaks the target is left beside it as KIND-crash-*. With CORPUS, what was found is
kept there for the next run. PEERTAG_FUZZ_SECONDS overrides SECONDS.
"""
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

CONNECTION = ('{"name": "contoso-seattle", "partner": "Lumen", "country": "US", "state": "WA", '
              '"city": "Seattle", "primary_site": "sea1", "backup_site": "pdx1", "monitor": true, '
              '"rtt_threshold_ms": 40, "tag": {"mark": 4097, "dscp": 10, "vlan": 100}, '
              '"labels": {"asn": "64496"}, "prefixes": ["203.0.113.0/24", '
              '{"prefix": "2001:db8:100::/40", "ownership": "partner", "latency": true}]}')
LONGEST = {'snapshot': 16384, 'table': 16384}  # of an input, where 4096 bytes are too few
LEAST = {'compile': 100}  # runs, where each takes its time
TEXTS = {
    'prefix': ['203.0.113.0/24', '203.0.113.5/24', '0.0.0.0/0', '::/0', '2001:db8::/32', '10.1/16',
               '2001:0db8::/32', '::ffff:192.0.2.1/128', 'fe80::1%eth0/64', '010.0.0.0/8',
               '2001:db8:0:0:1:0:0:1/128', '192.0.2.1', '1.2.3.4/33', '2001:db8::192.0.2.1/128'],
    'registry': [CONNECTION, CONNECTION + '\n' + CONNECTION.replace('contoso', 'fabrikam') + '\n',
                 '[' + CONNECTION + ']', '\ufeff' + CONNECTION + '\r\n',
                 'name,partner,country,state,prefix\na,b,DE,,192.0.2.0/24\n'
                 '"a ""q""",b,US,WA,2001:db8::/32\n', '{"name": 1}', '[1, {}, "x"]', ''],
    'config': ['site: sea1\nregistry: /var/lib/peertag/registry.db\napi: /run/peertag/api.sock\n'
               'listen: 127.0.0.1:9471\noverlap: refuse\nallow_special: false\n'
               'max_connections: 16384\nmax_prefixes: 2000000\nseries_limit: 2000000\n'
               'tag: {mark: true, mark_mask: 0xffffffff, dscp: false, vlan: false}\n'
               'run_dir: /run/peertag\npins: /sys/fs/bpf/peertag\n'
               'latency: {min_hosts: 10, window: 60s}\nalerts: {silent_after: 10m}\n',
               'engines:\n  - {name: xdp, table: lpm, ports: [{name: eth0, mode: auto, '
               'forward: pass}]}\n  - {name: dpdk, eal: "-l 2-5", ports: [{name: a, forward: b}, '
               '{name: b, forward: drop, egress: off}]}\n', '', '- 1\n', 'site: [a]\n'],
}


def write_seeds(writer, kind, folder):
    if kind not in TEXTS:
        subprocess.run([writer, kind, folder], check=True)
        return
    for number, text in enumerate(TEXTS[kind]):
        Path(folder, f'seed-{number}').write_bytes(text.encode())


def main():
    target, writer, kind, seconds = sys.argv[1:5]
    seconds = os.environ.get('PEERTAG_FUZZ_SECONDS', seconds)
    kept = Path(target).resolve().parent
    with tempfile.TemporaryDirectory(prefix=f'peertag-fuzz-{kind}-') as folder:
        corpus = sys.argv[5] if len(sys.argv) > 5 else folder
        Path(corpus).mkdir(parents=True, exist_ok=True)
        write_seeds(writer, kind, corpus)
        done = subprocess.run(
            [target, f'-max_total_time={seconds}', f'-max_len={LONGEST.get(kind, 4096)}', '-timeout=10',
             '-rss_limit_mb=2048', '-print_final_stats=1', '-verbosity=1',
             f'-artifact_prefix={kept}/{kind}-', corpus],
            capture_output=True, text=True, errors='replace', check=False)
    runs = re.findall(r'stat::number_of_executed_units: (\d+)', done.stderr)
    covered = re.findall(r'cov: (\d+)', done.stderr)
    if done.returncode or not runs:
        print(done.stderr[-8000:])
        return 1
    print(f'{kind}: {runs[-1]} runs, {covered[-1] if covered else "?"} edges')
    # A target that stands still proves nothing.
    return 0 if int(runs[-1]) > LEAST.get(kind, 1000) else 1


if __name__ == '__main__':
    sys.exit(main())
