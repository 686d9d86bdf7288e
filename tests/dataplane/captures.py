#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Every real capture through `peertag classify`, compared with the oracle field by field.

    captures.py PEERTAG [--engine xdp|dpdk] [--table flat|lpm] [NAME...]

Each Ethernet capture runs once with a registry of real networks and once with one that is made of
prefixes around its own addresses, where what leaves is compared byte by byte; all of them together
run with all countries. One that is cut short is told as far as it goes, with an error. Captures of
other link types must be refused with a clear one. With lpm it is every third capture. Skipped (77)
without data, the engine, or what the engine needs: XDP needs root.
"""
import argparse
import ipaddress
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

TESTS = Path(__file__).resolve().parent.parent
sys.dont_write_bytecode = True
sys.path.insert(0, str(TESTS / 'oracle'))
import capture as captures  # noqa: E402
import oracle  # noqa: E402

DATA = Path(os.environ.get('PEERTAG_DATA', TESTS.parent.parent / 'shared' / 'data'))
INSTALLED = '/usr/local/sbin:/usr/sbin:/usr/local/bin:/usr/bin'  # where peertag looks, too
LONGEST_SURELY_RUN = 3000  # beyond, the kernel's test run may refuse a frame
MAPPED = ipaddress.ip_network('::/80')
LPM_SHARE = 3  # of the captures: one in so many
MAPPINGS = {'dscp': ('mark', 'dscp'), 'vlan': ('mark', 'dscp', 'vlan'), 'bare': ('dscp',)}


class Difference(Exception):
    pass


def expect(what, ours, theirs):
    if ours != theirs:
        raise Difference(f'{what}: peertag {ours!r}, oracle {theirs!r}')


class Bench:
    """A folder for what the runs write, and the program under test."""

    def __init__(self, peertag, engine, table, folder):
        self.peertag = peertag
        self.engine = engine
        self.table = table
        self.folder = Path(folder)
        for name, carriers in MAPPINGS.items():
            tag = ', '.join(f'{carrier}: {str(carrier in carriers).lower()}'
                            for carrier in ('mark', 'dscp', 'vlan'))
            self.path(f'{name}.yaml').write_text(
                f'overlap: nested\nallow_special: true\ntag: {{{tag}}}\n')

    def path(self, name):
        return self.folder / name

    def run(self, config, registry, capture, *more):
        command = [self.peertag, '-j', '-c', self.path(f'{config}.yaml'), 'classify',
                   '--engine', self.engine, '--table', self.table, '--registry', registry, *more,
                   capture]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        return done.returncode, done.stdout, done.stderr

    def classify(self, config, registry, capture, *more):
        code, out, err = self.run(config, registry, capture, *more)
        if code:
            raise Difference(f'exit {code}: {out.strip()} {err.strip()}')
        document = json.loads(out)
        expect('engine', document['engine'], self.engine)
        return document


def native_bounds(engine, frames):
    """How many frames may go around the engine, at least and at most: those that it cannot take."""
    if engine != 'xdp':
        return 0, 0
    least = sum(len(frame.data) < 14 for frame in frames)
    return least, least + sum(len(frame.data) == 14 or len(frame.data) > LONGEST_SURELY_RUN
                              for frame in frames)


def compare(document, expected, frames):
    for key in ('received', 'outcomes', 'tagged', 'connections'):
        expect(key, document[key], expected[key])
    least, most = native_bounds(document['engine'], frames)
    if not least <= document['native_packets'] <= most:
        raise Difference(f'native_packets {document["native_packets"]}: {least} to {most}')


def compare_written(path, expected):
    written = captures.read(path).frames
    expect('written frames', len(written), len(expected))
    for number, (ours, theirs) in enumerate(zip(written, expected), 1):
        where = f'written frame {number}'
        expect(f'{where}, bytes', ours.data.hex(), theirs.data.hex())
        expect(f'{where}, original length', ours.original, theirs.original)
        if theirs.time_ns is not None:
            expect(f'{where}, time', ours.time_ns, theirs.time_ns)


def addresses(frames):
    """The addresses in the first IP header of each frame, each once, in order."""
    nothing, seen = oracle.Table([]), {}
    for frame in frames:
        verdict = oracle.classify(nothing, frame.data)
        if verdict.version:
            start, size = (12, 4) if verdict.version == 4 else (8, 16)
            for at in (verdict.ip + start, verdict.ip + start + size):
                seen[ipaddress.ip_address(frame.data[at:at + size])] = None
    return [addr for addr in seen if addr.version == 4 or addr not in MAPPED]


def neighbourhood(name, frames):
    """A registry of nested prefixes around the addresses of a capture, the same every time."""
    dice = random.Random(zlib.crc32(name.encode()))
    connections = [{'name': f'near-{i}', 'partner': 'Example', 'country': 'DE', 'prefixes': []}
                   for i in range(6)]
    for number, connection in enumerate(connections):
        connection['tag'] = {'mark': 1000 + number}
        if number % 3:
            connection['tag']['dscp'] = dice.randrange(64)
        if number % 2:
            connection['tag']['vlan'] = dice.randrange(1, 4095)
    found = addresses(frames)
    prefixes = {}
    for addr in dice.sample(found, min(60, len(found))):
        for _ in range(dice.randrange(1, 4)):
            length = dice.randrange(9, addr.max_prefixlen + 1)
            prefixes[str(ipaddress.ip_network((addr, length), strict=False))] = None
    if dice.random() < 0.3:
        prefixes[dice.choice(('0.0.0.0/0', '::/0'))] = None
    for prefix in prefixes:
        dice.choice(connections)['prefixes'].append(prefix)
    return connections


def check_refused(bench, path, capture):
    code, out, err = bench.run('dscp', DATA / 'connections' / 'partners.jsonl', path)
    expect('exit code', code, 1)
    message = json.loads(out)['error']['message']
    # libpcap refuses a file whose interfaces differ before it says what they are.
    due = 'ethernet' if len(set(capture.links)) == 1 else 'interface'
    if due not in message.lower() or path.name not in message:
        raise Difference(f'links {set(capture.links)}: {message!r} is not clear; {err}')


def check_ethernet(bench, path, capture, partners):
    registry = DATA / 'connections' / 'partners.jsonl'
    expected, _ = oracle.judge(partners, capture.frames, MAPPINGS['dscp'])
    compare(bench.classify('dscp', registry, path), expected, capture.frames)

    name = f'{path.parent.name}-{path.name}'
    config = ('dscp', 'vlan', 'bare')[zlib.crc32(name.encode()) % 3]
    registry = bench.path(f'{name}.jsonl')
    records = neighbourhood(name, capture.frames)
    registry.write_text(''.join(json.dumps(record) + '\n' for record in records))
    expected, leaving = oracle.judge([oracle.connection_of_json(r) for r in records],
                                     capture.frames, MAPPINGS[config])
    written = bench.path(f'{name}.out')
    compare(bench.classify(config, registry, path, '--write', written), expected, capture.frames)
    compare_written(written, leaving)
    written.unlink()


def check_countries(bench, frames):
    merged, registry = bench.path('merged.pcap'), DATA / 'connections' / 'countries.jsonl'
    captures.write(merged, frames)
    expected, _ = oracle.judge(oracle.read_registry(registry), frames, MAPPINGS['dscp'])
    compare(bench.classify('dscp', registry, merged), expected, frames)


def check_cut_short(bench, frames):
    """A file that ends within a frame: what came before is told and written, beside the error."""
    registry = DATA / 'connections' / 'partners.jsonl'
    for number, count in enumerate((1, 32, 33, min(500, len(frames)))):
        short, written = bench.path(f'short-{number}.pcap'), bench.path('short.out')
        captures.write(short, frames[:count])
        os.truncate(short, short.stat().st_size - 1)
        expected, leaving = oracle.judge(oracle.read_registry(registry), frames[:count - 1],
                                         MAPPINGS['dscp'])
        code, out, _ = bench.run('dscp', registry, short, '--write', written)
        document = json.loads(out)
        expect('exit code', code, 1)
        if short.name not in document['error']['message']:
            raise Difference(f'{document["error"]} does not name the file')
        compare(document, expected, frames[:count - 1])
        compare_written(written, leaving)


def check_absent(bench, _frames):
    """Without the engine's program: the error names it, and the other engine if that is there."""
    if any(shutil.which(program, path=INSTALLED) for program in ('peertag-xdp', 'peertag-dpdk')):
        return
    alone, other = bench.path('alone'), {'xdp': 'dpdk', 'dpdk': 'xdp'}[bench.engine]
    alone.mkdir()
    shutil.copy(bench.peertag, alone)
    lonely = Bench(alone / bench.peertag.name, bench.engine, bench.table, bench.folder)
    (alone / 'some.jsonl').write_text('')
    for beside, hint in ((None, './run build'), (f'peertag-{other}', f'--engine {other} is')):
        if beside:
            (alone / beside).symlink_to('/bin/false')
        code, out, _ = lonely.run('dscp', alone / 'some.jsonl', alone / 'none.pcap')
        error = json.loads(out)['error']
        expect('exit code', code, 1)
        expect('code', error['code'], 'unavailable')
        if f'peertag-{bench.engine}' not in error['message'] or hint not in error['hint']:
            raise Difference(f'{error} does not say {hint!r}')


def check(bench, path, partners):
    """'ethernet' or 'refused', and the frames, or the difference."""
    capture = captures.read(path)
    try:
        if not capture.ethernet:
            check_refused(bench, path, capture)
            return 'refused', [], None
        check_ethernet(bench, path, capture, partners)
        return 'ethernet', capture.frames, None
    except (Difference, KeyError, ValueError, OSError, captures.BadCapture) as error:
        return 'different', [], f'{path.parent.name}/{path.name}: {type(error).__name__}: {error}'


def run_all(bench, paths):
    partners = oracle.read_registry(DATA / 'connections' / 'partners.jsonl')
    tally, merged, differences = {'ethernet': 0, 'refused': 0, 'different': 0}, [], []
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for verdict, frames, difference in pool.map(lambda p: check(bench, p, partners), paths):
            tally[verdict] += 1
            merged += frames
            if difference:
                differences.append(difference)
    if len(paths) > 1:
        for check_merged in (check_countries, check_cut_short, check_absent):
            try:
                check_merged(bench, merged)
            except (Difference, KeyError, ValueError) as error:
                differences.append(f'all captures, {check_merged.__name__}: {error}')
    return tally, len(merged), differences


def obstacle(arguments, paths):
    """Why nothing can be run; None if it can."""
    program = arguments.peertag.parent / f'peertag-{arguments.engine}'
    if not os.access(program, os.X_OK):
        return f'{program.name} is not built in'
    if arguments.engine == 'xdp' and os.geteuid() != 0:
        return 'loading BPF programs needs root'
    return None if paths else f'there are no captures in {DATA / "pcaps"}'


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('peertag', type=lambda path: Path(path).resolve())
    parser.add_argument('--engine', choices=('xdp', 'dpdk'), default='xdp')
    parser.add_argument('--table', choices=('flat', 'lpm'), default='flat')
    parser.add_argument('names', nargs='*', help='of captures, or parts of them; all if none')
    arguments = parser.parse_intermixed_args()
    paths = sorted(path for path in (DATA / 'pcaps').glob('*/*') if not arguments.names or
                   any(name in path.name for name in arguments.names))
    if arguments.table == 'lpm' and not arguments.names:
        paths = paths[::LPM_SHARE]
    reason = obstacle(arguments, paths)
    if reason:
        print('skipped:', reason)
        return 77
    start = time.monotonic()
    with tempfile.TemporaryDirectory(prefix='peertag-captures-') as folder:
        bench = Bench(arguments.peertag, arguments.engine, arguments.table, folder)
        tally, frames, differences = run_all(bench, paths)
    for difference in differences[:40]:
        print(difference[:1000])
    print(f'{tally["ethernet"]} captures equal the oracle twice over, {frames} frames together with '
          f'all countries; {tally["refused"]} of other link types refused; '
          f'{len(differences)} differences; {time.monotonic() - start:.0f} s')
    return 1 if differences else 0


if __name__ == '__main__':
    sys.exit(main())
