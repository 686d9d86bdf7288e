# SPDX-License-Identifier: BSD-3-Clause
"""A real Chromium in the edge's own namespace, which has no way out, at the status page.

What is tried there is written in JavaScript, in tests/page/statements.mjs; each statement runs in a
browser of its own.
"""

import contextlib
import json
import os
import shutil
import subprocess

from edge import BUILD, ROOT

FOLDER = os.environ.get("PEERTAG_BROWSER", os.path.join(ROOT, "build", "browser"))
STATEMENTS = os.path.join(ROOT, "tests", "page", "statements.mjs")
SECONDS = 60


def browser_obstacle():
    """Why no browser can be driven on this machine, or None."""
    for tool in ("node", "chromium"):
        if not shutil.which(tool):
            return f"{tool} is not installed"
    if not os.path.exists(os.path.join(FOLDER, "node_modules", "playwright-core")):
        return f"playwright-core is not in {FOLDER}: ./run test fetches it"
    return None


def _command(edge, statement, given):
    url = f"http://{edge.configuration['listen']}"
    return edge.namespace.command("node", STATEMENTS, statement, url, json.dumps(given))


def _environment():
    return os.environ | {"PEERTAG_BROWSER": FOLDER, "PEERTAG_SHOTS": BUILD,
                         "PEERTAG_CHROMIUM": shutil.which("chromium")}


@contextlib.contextmanager
def visiting(edge, statement, **given):
    """
    Runs a statement beside the body, which gets a function: it waits until the statement says a
    word. What the statement found wrong is raised at the end.
    """
    process = subprocess.Popen(_command(edge, statement, given), env=_environment(), text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def hears(word):
        for row in process.stdout:
            if row.strip() == word:
                return
            print(f"       {row.rstrip()}")
        raise AssertionError(f"never said {word!r}: {process.stderr.read()[-3000:]}")

    try:
        yield hears
        stdout, stderr = process.communicate(timeout=SECONDS)
    finally:
        process.kill()
        process.wait()
    for row in stdout.splitlines():
        print(f"       {row}")
    if process.returncode:
        raise AssertionError(stderr[-3000:])


def visit(edge, statement, **given):
    with visiting(edge, statement, **given):
        pass
