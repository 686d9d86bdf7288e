#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The rules of the source that a machine can judge.

    check.py CHECK [--root FOLDER] [--warn]

Prints path:line: what is wrong, and exits 1 if there is anything, 0 with --warn. CHECK is one of:
format, licence, layers, headers, words, lengths.
"""
import argparse
import re
import shutil
import statistics
import subprocess
import sys
from pathlib import Path

LAYERS = ('control', 'dataplane', 'bpf')
FOLDERS = LAYERS + ('include', 'tests', 'perf')
OWN = 'BSD-3-Clause'
SHARED = 'GPL-2.0-only OR BSD-3-Clause'
FUNCTION_LIMIT, FILE_LIMIT = 60, 500
LICENSED = {'.c', '.h', '.py', '.sh', '.js', '.css', '.html', '.service', '.socket', '.yaml',
            '.yml', '.scd'}
LICENSED_NAMES = {'meson.build', 'meson_options.txt', 'run', 'Makefile', 'Dockerfile'}
NAMES_SAY_NOTHING = {'util', 'utils', 'common', 'misc', 'data', 'info', 'ctx', 'helper', 'helpers'}
# Spelled so that this file passes its own check.
UNFINISHED = re.compile(r'\b(' + '|'.join(('TO' + 'DO', 'FIX' + 'ME', 'XX' + 'X')) + r')\b')
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.M)


class Tree:
    """The project's own files: those in its folders and those at its top."""

    def __init__(self, root):
        self.root = Path(root).resolve()
        found = [path for path in self.root.iterdir() if path.is_file()]
        for folder in FOLDERS:
            found += (self.root / folder).rglob('*')
        for folder in ('.github', '.ci'):
            found += (self.root / folder).rglob('*')
        self.paths = sorted(path.relative_to(self.root) for path in found
                            if path.is_file() and '__pycache__' not in path.parts)
        self.texts = {}

    def text(self, path):
        if path not in self.texts:
            self.texts[path] = (self.root / path).read_text(encoding='utf-8', errors='replace')
        return self.texts[path]

    def sources(self, *suffixes):
        return [path for path in self.paths if path.suffix in (suffixes or ('.c', '.h'))]

    def in_bpf(self):
        """What BPF programs are made of: their folder, those elsewhere, and what they include."""
        wanted = [path for path in self.sources()
                  if path.parts[0] == 'bpf' or path.name.endswith('.bpf.c')]
        for path in wanted:
            for _, name in INCLUDE.findall(self.text(path)):
                for header in (Path('include') / name, path.parent / name):
                    if header in self.paths and header not in wanted:
                        wanted.append(header)
        return wanted


def line_of(text, position):
    return text.count('\n', 0, position) + 1


def check_format(tree):
    if not shutil.which('clang-format'):
        return ['clang-format is not installed']
    done = subprocess.run(['clang-format', '--dry-run', '-Werror', *tree.sources()], check=False,
                          cwd=tree.root, capture_output=True, text=True)
    return [line for line in done.stderr.splitlines() if ': error:' in line or ': warning:' in line]


def licence_of(text):
    """From the first line, or from the second behind what runs it or types it."""
    lines = text.split('\n', 2)
    first = 1 if lines[0].startswith(('#!', '<!DOCTYPE', '<!doctype')) else 0
    found = re.search(r'SPDX-License-Identifier: ([^*<]+?)\s*(\*/|-->)?$',
                      ''.join(lines[first:first + 1]))
    return found.group(1) if found else None


def check_licence(tree):
    shared, wrong = set(tree.in_bpf()), []
    for path in tree.paths:
        if path.suffix not in LICENSED and path.name not in LICENSED_NAMES:
            continue
        due = SHARED if path in shared else OWN
        licence = licence_of(tree.text(path))
        if licence != due:
            wrong.append(f'{path}:1: the first line says {licence}, not '
                         f'SPDX-License-Identifier: {due}')
    return wrong


def stranger(tree, path, quote, name):
    """Why a file of a layer may not include this name; None if it may."""
    layer = path.parts[0]
    if quote == '<':
        other = Path(name).parts[0]
        # <bpf/...> are libbpf's own headers, unless it is one of ours.
        if (tree.root / name).is_file() and other != layer:
            return f'{layer} includes {other}'
        if layer in ('control', 'include') and (other == 'bpf' or name.startswith('rte_')):
            return f'{layer} knows no libbpf and no DPDK'
        return None
    target = (tree.root / path.parent / name).resolve()
    if target.is_file() and tree.root in target.parents:
        other = target.relative_to(tree.root).parts[0]
        return None if other == layer else f'{layer} includes {other}'
    homes = {known.parts[0] for known in tree.sources('.h') if known.name == Path(name).name}
    if homes and layer not in homes:
        return f'{layer} includes {name}, which only {", ".join(sorted(homes))} has'
    return None


def check_layers(tree):
    wrong = []
    for path in tree.sources():
        if path.parts[0] not in LAYERS + ('include',):
            continue
        for found in INCLUDE.finditer(tree.text(path)):
            why = stranger(tree, path, *found.groups())
            if why:
                wrong.append(f'{path}:{line_of(tree.text(path), found.start(1))}: {why}')
    return wrong


def check_headers(tree):
    """Every public header compiles by itself, those that BPF includes also for BPF."""
    user = ['-std=gnu17', '-D_GNU_SOURCE', '-Wall', '-Wextra', '-Werror']
    # The kernel's headers for user space lie in the machine's own folder, which clang leaves out.
    bpf = ['-target', 'bpf', '-O2', '-Wall', '-Werror',
           *(f'-I{path}' for path in Path('/usr/include').glob('*-linux-gnu'))]
    runs = [('cc', user, None), ('clang', user, None), ('clang', bpf, set(tree.in_bpf()))]
    wrong = []
    for compiler, options, only in runs:
        if not shutil.which(compiler):
            print(f'{compiler} is not installed: left out')
            continue
        for path in tree.sources('.h'):
            if path.parts[0] != 'include' or (only is not None and path not in only):
                continue
            done = subprocess.run(
                [compiler, *options, '-Iinclude', '-fsyntax-only', '-x', 'c', '-'],
                input=f'#include <{path.relative_to("include")}>\n', cwd=tree.root,
                capture_output=True, text=True, check=False)
            if done.returncode:
                how = 'for BPF' if only is not None else f'by {compiler}'
                wrong.append(f'{path}:1: does not compile alone {how}: {done.stderr.strip()}')
    return wrong


def blank(found):
    """A comment or a literal, its lines kept and nothing else."""
    return '""' + '\n' * found.group(0).count('\n')


def code_of(text):
    """C without block comments and literals."""
    return re.sub(r'/\*.*?\*/|"(\\.|[^"\\\n])*"|\'(\\.|[^\'\\\n])*\'', blank, text, flags=re.S)


def check_words(tree):
    wrong = []
    for path in tree.paths:
        says_nothing = NAMES_SAY_NOTHING & set(re.split(r'[-_.]', path.name.lower()))
        if says_nothing and path.suffix in ('.c', '.h', '.py', '.sh'):
            wrong.append(f'{path}:1: a file called {says_nothing.pop()} could hold anything')
        if path.suffix not in LICENSED and path.name not in LICENSED_NAMES:
            continue
        for found in UNFINISHED.finditer(tree.text(path)):
            wrong.append(f'{path}:{line_of(tree.text(path), found.start())}: {found.group(0)}')
    for path in tree.sources():
        code = code_of(tree.text(path))
        for found in re.finditer(r'//', code):
            wrong.append(f'{path}:{line_of(code, found.start())}: // comment')
    return wrong


def functions(text):
    """(name, first line, length) of each function of a formatted file, signature left out."""
    lines = code_of(text).split('\n')
    start = None
    for number, line in enumerate(lines, 1):
        if line == '{':
            start = number
        elif line == '}' and start:
            before = ' '.join(lines[max(0, start - 6):start - 1])
            names = re.findall(r'(\w+)\(', before)
            yield (names[-1] if names else '?'), start, number - start - 1
            start = None


def check_lengths(tree):
    wrong, lengths, longest = [], [], []
    for path in tree.sources():
        text = tree.text(path)
        if text.count('\n') > FILE_LIMIT:
            wrong.append(f'{path}:1: {text.count(chr(10))} lines, the limit is {FILE_LIMIT}')
        for name, line, length in functions(text):
            lengths.append(length)
            longest.append((length, f'{path}:{line}', name))
            body = '\n'.join(text.split('\n')[line:line + length])
            if length > FUNCTION_LIMIT:
                wrong.append(f'{path}:{line}: {name} has {length} lines, the limit is '
                             f'{FUNCTION_LIMIT}')
            if re.search(r'^\s*#\s*if', body, re.M):
                wrong.append(f'{path}:{line}: {name} has an #if within')
    for length, where, name in sorted(longest, reverse=True)[:15]:
        print(f'{length:4} {where} {name}')
    if lengths:
        print(f'{len(lengths)} functions: median {statistics.median(lengths):.0f} lines, '
              f'nine of ten under {sorted(lengths)[len(lengths) * 9 // 10] + 1}')
    return wrong


CHECKS = {'format': check_format, 'licence': check_licence, 'layers': check_layers,
          'headers': check_headers, 'words': check_words, 'lengths': check_lengths}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('check', choices=CHECKS)
    parser.add_argument('--root', default=Path(__file__).resolve().parent.parent.parent)
    parser.add_argument('--warn', action='store_true')
    args = parser.parse_args()
    wrong = CHECKS[args.check](Tree(args.root))
    for line in wrong:
        print(line)
    print(f'{args.check}: {len(wrong)} wrong')
    return 1 if wrong and not args.warn else 0


if __name__ == '__main__':
    sys.exit(main())
