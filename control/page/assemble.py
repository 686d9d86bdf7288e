#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Makes the status page: one document from its parts, and that as C for peertagd.

    assemble.py --uplot FOLDER --c OUT.c --html OUT.html index.html page.css MODULE.js...

The modules become one script, each behind those that it imports. They share one scope, so a name
means one thing in all of them, and an import has one form: `import { a, b } from './module.js';`.
The policy names the style and the script by their hashes: a browser runs nothing else.
"""
import argparse
import base64
import hashlib
import re
import sys
from pathlib import Path

IMPORT = re.compile(r"^import \{[^}]*\} from '\./([\w.]+)';\n", re.M)
EXPORT = re.compile(r'^export (?=(?:async )?function |const |class )', re.M)
DECLARED = re.compile(r'^(?:export )?(?:async )?(?:function|const|let|class) (\w+)', re.M)
SPDX = re.compile(r'\A(/\*|<!--) SPDX-License-Identifier: [^\n]*\n')

POLICY = ("default-src 'none'; script-src 'sha256-{script}'; style-src 'sha256-{style}'; "
          "connect-src 'self'; img-src data: 'self'; base-uri 'none'; form-action 'none'; "
          "frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'")


def in_order(modules):
    """The modules, each behind those that it imports."""
    done, under_way = [], []

    def visit(name):
        if name in done:
            return
        if name in under_way:
            sys.exit(f'{" -> ".join(under_way)} -> {name}: an import goes round in a circle')
        if name not in modules:
            sys.exit(f'{under_way[-1]} imports {name}, which is not in meson.build')
        under_way.append(name)
        for imported in IMPORT.findall(modules[name]):
            visit(imported)
        under_way.pop()
        done.append(name)

    for name in sorted(modules):
        visit(name)
    return done


def refuse_second_meanings(modules):
    owners = {}
    for name, text in modules.items():
        for declared in DECLARED.findall(text):
            if declared in owners:
                sys.exit(f'{name} and {owners[declared]} both declare {declared}')
            owners[declared] = name


def joined_script(modules):
    refuse_second_meanings(modules)
    parts = []
    for name in in_order(modules):
        text = EXPORT.sub('', IMPORT.sub('', SPDX.sub('', modules[name])))
        if re.search(r'^(import|export)\b', text, re.M):
            sys.exit(f'{name} imports or exports in a form that assemble.py does not know')
        parts.append(f'/* {name} */\n{text.strip()}\n')
    return "(() => {\n'use strict';\n" + '\n'.join(parts) + '})();\n'


def sha256(text):
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def notice(uplot):
    """uPlot's licence, which goes where uPlot goes."""
    version = re.search(r'"version": "([^"]+)"', (uplot / 'package.json').read_text()).group(1)
    licence = (uplot / 'LICENSE').read_text().strip()
    return f'/*\nuPlot {version}, https://github.com/leeoniya/uPlot\n\n{licence}\n*/\n'


def assemble(index, css, modules, uplot):
    """(the document, its policy)"""
    dist = uplot / 'dist'
    script = ('\n' + notice(uplot) + (dist / 'uPlot.iife.min.js').read_text().strip() + '\n' +
              joined_script(modules))
    style = '\n' + (dist / 'uPlot.min.css').read_text().strip() + '\n' + SPDX.sub('', css)
    for text, end in ((script, '</script'), (style, '</style')):
        if end in text.lower():
            sys.exit(f'a part has {end} in it, which would end it early')
    page = index
    for mark, text in (('<style></style>', f'<style>{style}</style>'),
                       ('<script></script>', f'<script>{script}</script>')):
        if page.count(mark) != 1:
            sys.exit(f'index.html is to have {mark} once')
        page = page.replace(mark, text)
    return page, POLICY.format(script=sha256(script), style=sha256(style))


def literal(text):
    """A C string: a line of the text on each line; what is not ASCII byte by byte."""
    lines = []
    for line in text.splitlines(keepends=True):
        written = ''
        for byte in line.encode():
            character = chr(byte)
            if character in '"\\?':
                written += '\\' + character
            elif 0x20 <= byte < 0x7f:
                written += character
            else:
                written += f'\\{byte:03o}'
        lines.append(f'"{written}"')
    return '\n\t'.join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--uplot', type=Path, required=True)
    parser.add_argument('--c', type=Path, required=True)
    parser.add_argument('--html', type=Path, required=True)
    parser.add_argument('index', type=Path)
    parser.add_argument('css', type=Path)
    parser.add_argument('modules', type=Path, nargs='+')
    args = parser.parse_args()
    modules = {path.name: path.read_text(encoding='utf-8') for path in args.modules}
    page, policy = assemble(args.index.read_text(encoding='utf-8'),
                            args.css.read_text(encoding='utf-8'), modules, args.uplot)
    args.html.write_text(page, encoding='utf-8')
    args.c.write_text('/* SPDX-License-Identifier: BSD-3-Clause AND MIT */\n'
                      '/* Written by control/page/assemble.py. */\n'
                      '#include <stddef.h>\n\n'
                      'extern const char page_text[];\n'
                      'extern const size_t page_bytes;\n'
                      'extern const char page_policy[];\n\n'
                      f'const char page_text[] =\n\t{literal(page)};\n'
                      'const size_t page_bytes = sizeof(page_text) - 1;\n'
                      f'const char page_policy[] =\n\t{literal(policy)};\n', encoding='ascii')


if __name__ == '__main__':
    main()
