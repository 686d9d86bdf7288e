# SPDX-License-Identifier: BSD-3-Clause
"""Runs scenarios through promtool, Prometheus' own judge of rules."""

import os
import shutil
import subprocess
import sys
import tempfile

try:
    import yaml
except ImportError:
    yaml = None

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
MONITORING = os.path.join(ROOT, "control", "monitoring")
RULES = os.path.join(MONITORING, "prometheus", "peertag.rules.yml")
SKIP = 77
FIRING = ('sum by (alertname, connection, direction, engine, limit) '
          '(ALERTS{alertstate="firing",alertname=~"Peertag.*"})')


def begin(*tools):
    """To be called first: skips where a tool is missing."""
    if yaml is None:
        print("skipped: Python has no yaml (package python3-yaml)")
        sys.exit(SKIP)
    for tool in ("promtool", *tools):
        if not shutil.which(tool):
            print(f"skipped: {tool} is not installed")
            sys.exit(SKIP)


def labels_text(labels):
    return "{" + ", ".join(f'{key}="{value}"' for key, value in labels.items()) + "}"


def scenario_test(scenario):
    """The scenario in the language of promtool."""
    checks = [{"expr": FIRING, "eval_time": f"{minute}m",
               "exp_samples": [{"labels": labels_text(alert), "value": 1} for alert in alerts]}
              for minute, alerts in scenario["fires"].items()]
    return {"interval": "1m", "input_series": scenario["input"], "promql_expr_test": checks}


def judge(tests, rules=None, evaluate="1m"):
    """
    What promtool finds wrong with the rules (a text; None: the shipped ones), '' if nothing.
    evaluate: how often, for a long scenario more seldom than in life.
    """
    with tempfile.TemporaryDirectory(prefix="peertag-rules-") as folder:
        path = RULES
        if rules is not None:
            path = os.path.join(folder, "peertag.rules.yml")
            with open(path, "w", encoding="utf-8") as file:
                file.write(rules)
        document = os.path.join(folder, "tests.yml")
        with open(document, "w", encoding="utf-8") as file:
            yaml.safe_dump({"rule_files": [path], "evaluation_interval": evaluate,
                            "tests": tests}, file)
        done = subprocess.run(["promtool", "test", "rules", document], capture_output=True,
                              text=True, check=False, timeout=120)
    return "" if done.returncode == 0 else done.stdout + done.stderr


def scenario_judge(scenario, rules=None):
    return judge([scenario_test(scenario)], rules, scenario.get("evaluate", "1m"))
