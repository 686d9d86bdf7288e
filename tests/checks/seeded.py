#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Shows that each check fails where it should: on a small good tree with one bug put in."""
import contextlib
import io
import sys
import tempfile
from pathlib import Path

sys.dont_write_bytecode = True
import check  # noqa: E402

OWN = '/* SPDX-License-Identifier: BSD-3-Clause */\n'
SHARED = '/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */\n'
GOOD = {
    '.clang-format': 'BasedOnStyle: LLVM\nIndentWidth: 8\nUseTab: Always\nTabWidth: 8\n'
                     'BreakBeforeBraces: Linux\nAllowShortFunctionsOnASingleLine: None\n',
    'run': '#!/bin/sh\n# SPDX-License-Identifier: BSD-3-Clause\n',
    'include/peertag/word.h': SHARED + '#include <linux/types.h>\nstruct word {\n\t__u32 value;\n};\n',
    'include/peertag/own.h': OWN + '#include <stddef.h>\nsize_t own(void);\n',
    'bpf/program.c': SHARED + '#include <peertag/word.h>\n',
    'control/list.h': OWN + 'int list(void);\n',
    'control/list.c': OWN + '#include "list.h"\n\n#include <peertag/own.h>\n\n'
                      'int list(void)\n{\n\treturn "//"[0]; /* see http://example.net/ */\n}\n',
    'dataplane/host.h': OWN + 'int host(void);\n',
    'dataplane/xdp/port.c': OWN + '#include "host.h"\n#include "made.skel.h"\n'
                            '#include <bpf/libbpf.h>\n',
}
LONG = 'int far(void)\n{\n' + '\treturn 0;\n' * 61 + '}\n'
WORD = 'TO' + 'DO'
BUGS = [
    ('format', 'control/list.c', lambda text: text.replace('\treturn', '    return')),
    ('licence', 'control/list.c', lambda text: text.replace(OWN, '')),
    ('licence', 'control/list.h', lambda text: text.replace(OWN, SHARED)),
    ('licence', 'include/peertag/word.h', lambda text: text.replace(SHARED, OWN)),
    ('licence', 'run', lambda text: '#!/bin/sh\n'),
    ('layers', 'control/list.c', lambda text: text + '#include "../dataplane/host.h"\n'),
    ('layers', 'control/list.c', lambda text: text + '#include "host.h"\n'),
    ('layers', 'control/list.c', lambda text: text + '#include <bpf/libbpf.h>\n'),
    ('layers', 'dataplane/host.h', lambda text: text + '#include "list.h"\n'),
    ('layers', 'include/peertag/own.h', lambda text: text + '#include "../../control/list.h"\n'),
    ('layers', 'dataplane/host.h', lambda text: text + '#include <bpf/program.c>\n'),
    ('layers', 'include/peertag/own.h', lambda text: text + '#include <bpf/libbpf.h>\n'),
    ('layers', 'bpf/program.c', lambda text: text + '#include <dataplane/host.h>\n'),
    ('headers', 'include/peertag/own.h', lambda text: text.replace('#include <stddef.h>\n', '')),
    ('headers', 'include/peertag/word.h', lambda text: text + '#include <stdlib.h>\n'
                                                              'static char *c = sizeof(long);\n'),
    ('words', 'control/list.c', lambda text: text + f'/* {WORD}: later */\n'),
    ('words', 'control/list.c', lambda text: text + '// quick\n'),
    ('words', 'control/string_util.c', lambda text: OWN),
    ('lengths', 'control/list.c', lambda text: text + LONG),
    ('lengths', 'control/list.c', lambda text: text.replace('{\n', '{\n#ifdef A\n#endif\n')),
    ('lengths', 'control/list.c', lambda text: text + '\n' * 500),
]


def wrong_in(name, files):
    with tempfile.TemporaryDirectory(prefix='peertag-seeded-') as root:
        for path, text in files.items():
            target = Path(root, path)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text)
        with contextlib.redirect_stdout(io.StringIO()):
            return check.CHECKS[name](check.Tree(root))


def main():
    failures = 0
    for name in check.CHECKS:
        for line in wrong_in(name, GOOD):
            failures += 1
            print(f'{name} finds a fault in the good tree: {line}')
    for name, path, bug in BUGS:
        text = bug(GOOD.get(path, ''))
        found = wrong_in(name, {**GOOD, path: text})
        if text == GOOD.get(path) or not any(path in line for line in found):
            failures += 1
            print(f'{name} misses the bug in {path}: {text[-60:]!r}')
    print(f'{len(BUGS)} seeded bugs, {failures} failures')
    return 1 if failures else 0


if __name__ == '__main__':
    sys.exit(main())
