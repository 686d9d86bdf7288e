# SPDX-License-Identifier: BSD-3-Clause
"""A strict reader of the Prometheus text format."""


def metrics_parse(text):
    """{(name, ((label, value), ...)): number} of the Prometheus text format, strictly."""
    samples = {}
    for line in text.splitlines():
        if not line or line.startswith("#"):
            continue
        name, labels, number = sample_parse(line)
        if (name, labels) in samples:
            raise ValueError(f"twice in one scrape: {line}")
        samples[name, labels] = float(number)
    return samples


def sample_parse(line):
    name, brace, rest = line.partition("{")
    if not brace:
        name, number = line.split(" ")
        return name, (), number
    labels = []
    while not rest.startswith("}"):
        label, _, rest = rest.partition('="')
        value, rest = label_value(rest)
        labels.append((label, value))
        rest = rest.removeprefix(",")
    return name, tuple(labels), rest[1:].strip()


def label_value(text):
    """The text up to the closing quote, unescaped, and what follows."""
    value = []
    position = 0
    while text[position] != '"':
        if text[position] == "\\":
            position += 1
            value.append({"n": "\n", "\\": "\\", '"': '"'}[text[position]])
        else:
            value.append(text[position])
        position += 1
    return "".join(value), text[position + 1:]
