#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Every kind of wrong input through the command line: the code, the exit code, and no change."""

import json
import os

from customer import customer, prefix6, seattle
from statement import Edge, begin, edge_holds, equal, true

HUGE = 9 << 20


def line(**changes):
    """One registry line with changes; None takes a key away."""
    document = customer("wrong", "192.0.2.0/24") | changes
    return json.dumps({key: value for key, value in document.items() if value is not None})


# name, text of the file, code, a word of the message
FILES = (
    ("not JSON", "{nonsense}\n", "syntax", ""),
    ("two documents in a line", line() + line(name="b", prefixes=[]) + "\n", "syntax", ""),
    ("a duplicate key", '{"name":"a","name":"b"}\n', "syntax", ""),
    ("an unknown key", line(partnr="Lumen"), "unknown_key", "partner"),
    ("a missing key", line(partner=None), "missing_key", "partner"),
    ("no state in the US", line(country="US"), "missing_key", "state"),
    ("a country in words", line(country="Germany"), "bad_value", "country"),
    ("a small country", line(country="de"), "bad_value", "country"),
    ("an unknown country", line(country="QX"), "bad_value", "country"),
    ("an empty name", line(name=""), "bad_value", "name"),
    ("a long name", line(name="x" * 129), "bad_value", "128"),
    ("a line feed in a name", line(name="a\nb"), "bad_value", "name"),
    ("white space at the end", line(name="a "), "bad_value", "name"),
    ("a number as a name", line(name=5), "bad_value", "name"),
    ("a large dscp", line(tag={"dscp": 64}), "bad_value", "dscp"),
    ("vlan 4095", line(tag={"vlan": 4095}), "bad_value", "vlan"),
    ("mark 0", line(tag={"mark": 0}), "bad_value", "mark"),
    ("host bits", line(prefixes=["192.0.2.5/24"]), "host_bits", "192.0.2.0/24"),
    ("host bits, IPv6", line(prefixes=["2001:db8::1/32"]), "host_bits", "2001:db8::/32"),
    ("an octal prefix", line(prefixes=["010.0.0.0/8"]), "bad_value", "010.0.0.0/8"),
    ("a short prefix", line(prefixes=["192.0.2/24"]), "bad_value", "192.0.2/24"),
    ("a mapped prefix", line(prefixes=["::ffff:192.0.2.0/120"]), "bad_value", "mapped"),
    ("a long prefix", line(prefixes=["192.0.2.0/33"]), "bad_value", "33"),
    ("a zone", line(prefixes=["fe80::%eth0/64"]), "bad_value", ""),
    ("ownership", line(prefixes=[{"prefix": "192.0.2.0/24", "ownership": "mine"}]),
     "bad_value", "ownership"),
    ("a name twice", line() + "\n" + line(prefixes=[]) + "\n", "duplicate_name", "wrong"),
    ("a prefix twice", line() + "\n" + line(name="other") + "\n", "duplicate_prefix", "wrong"),
    ("nested in another's", line() + "\n" + line(name="other", prefixes=["192.0.2.128/25"]) + "\n",
     "overlap", "192.0.2.0/24"),
)


def file_with(edge, content):
    path = edge.path("wrong.jsonl")
    with open(path, "wb") as file:
        file.write(content if isinstance(content, bytes) else content.encode())
    return path


def every_error_has_its_code(edge):
    before = edge.cli("export", check=True).stdout
    for what, content, code, word in FILES:
        path = file_with(edge, content)
        checked = edge.cli("check", path)
        equal(checked.code, 4, f"exit code of check: {what}")
        equal(checked.json["ok"], False, f"ok of check: {what}")
        errors = checked.json["errors"]
        true(any(entry["code"] == code for entry in errors), f"{what}: {code} in {errors}")
        told = json.dumps([entry for entry in errors if entry["code"] == code], ensure_ascii=False)
        true(word in told, f"{what}: \"{word}\" in {told}")
        true(all(entry.get("line", 1) >= 1 for entry in errors), f"{what}: a line in {errors}")
        applied = edge.cli("apply", path, "--force")
        equal(applied.code, 4, f"exit code of apply: {what}")
        equal(applied.error["code"] in [entry["code"] for entry in errors], True,
              f"{what}: code of apply, {applied.error}")
    equal(edge.cli("export", check=True).stdout, before, "the registry afterwards")


def rules_of_the_configuration_are_applied(edge):
    strict = edge.path("strict.yaml")
    with open(strict, "w", encoding="ascii") as file:
        file.write("allow_special: false\nmax_prefixes: 10\nmax_connections: 3\n")
    cases = (
        ("special_range", [customer("a", "192.0.2.0/24")]),
        ("special_range", [customer("a", "10.0.0.0/7")]),
        ("default_route", [customer("a", "0.0.0.0/0")]),
        ("default_route", [customer("a", "::/0")]),
        ("capacity", [customer("a", *(f"11.0.{n}.0/24" for n in range(11)))]),
        ("capacity", [customer(f"c{n}") for n in range(4)]),
    )
    for code, connections in cases:
        path = file_with(edge, "".join(json.dumps(entry) + "\n" for entry in connections))
        answer = edge.cli("check", path, config=strict)
        equal(answer.code, 4, f"exit code: {code}")
        equal({entry["code"] for entry in answer.json["errors"]}, {code}, "codes")


def a_repeated_prefix_is_a_warning(edge):
    path = file_with(edge, line(prefixes=["192.0.2.0/24", "192.0.2.0/24"]))
    answer = edge.cli("check", path)
    equal(answer.code, 0, "exit code")
    equal([entry["code"] for entry in answer.json["warnings"]], ["repeated_prefix"], "warnings")


def broken_files_are_refused(edge):
    good = "".join(json.dumps(customer(f"c{n}", prefix6(n))) + "\n" for n in range(200))
    cases = {
        "cut in the middle": good[:-30].encode(),
        "binary": bytes(range(256)) * 64,
        "not UTF-8": good.encode() + b'{"name": "\xff\xfe"}\n',
        "a zero byte": good.encode() + b"\x00\n",
        "a huge line": b'{"name": "' + b"x" * HUGE + b'"}\n',
        "deep nesting": b"[" * 100000,
        "an unfinished array": b"[" + good.encode().replace(b"\n", b","),
        "CSV with a wrong header": b"nam,partner,country,state,prefix\na,b,DE,,192.0.2.0/24\n",
        "CSV with too few fields": b"name,partner,country,state,prefix\na,b\n",
    }
    for what, content in cases.items():
        path = file_with(edge, content)
        for verb in ("check", "diff", "apply"):
            answer = edge.cli(verb, path)
            equal(answer.code, 4, f"exit code of {verb}: {what}")
            true(len(answer.stdout) < 1 << 20, f"{verb}: {what}: a bounded answer")
    equal(edge.status()["connections"], 1, "connections")


def files_that_cannot_be_read_are_named(edge):
    for path in (edge.path("absent.jsonl"), edge.folder):
        for verb in ("check", "diff", "apply"):
            answer = edge.cli(verb, path)
            true(answer.code in (1, 3), f"exit code of {verb} {path}: {answer.code}")
            true(path in answer.error["message"], f"{answer.error} names the file")


def all_forms_of_a_file_are_read(edge):
    entries = [customer("one", "192.0.2.0/25"), customer("two", "192.0.2.128/25")]
    forms = {
        "JSON Lines": "".join(json.dumps(entry) + "\n" for entry in entries),
        "an array": json.dumps(entries, indent=2),
        "CRLF": "".join(json.dumps(entry) + "\r\n" for entry in entries),
        "CSV": "name,partner,country,state,prefix\n"
               "one,Lumen Technologies,GB,,192.0.2.0/25\n"
               "two,Lumen Technologies,GB,,192.0.2.128/25\n",
    }
    documents = []
    for what, text in forms.items():
        answer = edge.cli("check", file_with(edge, text))
        equal(answer.code, 0, f"exit code: {what}: {answer.stdout}")
        equal((answer.json["connections"], answer.json["prefixes"]), (2, {"ipv4": 2, "ipv6": 0}),
              what)
        documents.append(edge.cli("diff", edge.path("wrong.jsonl"), check=True).json)
    equal([document for document in documents if document != documents[0]], [],
          "forms that read differently")


def an_empty_or_small_file_needs_force(edge):
    for content in ("", json.dumps(customer("tiny")) + "\n"):
        edge.apply([customer(f"c{n}", f"192.0.2.{n * 16}/28") for n in range(10)], "--force")
        answer = edge.cli("apply", file_with(edge, content))
        equal((answer.code, answer.error["code"]), (4, "shrink"), "exit code and code")
        equal(edge.status()["connections"], 10, "connections afterwards")
        equal(edge.cli("apply", edge.path("wrong.jsonl"), "--force").code, 0, "with --force")
        revision = edge.status()["revision"]
        equal(edge.cli("rollback", str(revision - 1), "--force").code, 0, "growing again")
        shrunk = edge.cli("rollback", str(revision))
        equal((shrunk.code, shrunk.error["code"]), (4, "shrink"), "a rollback that shrinks")
    edge.apply([seattle()], "--force")


def usage_errors_exit_2(edge):
    for words in ((), ("conection", "show"), ("connection", "shwo"), ("connection", "add"),
                  ("connection", "add", "a", "partnr", "b"), ("apply",), ("rollback", "x"),
                  ("status", "--nonsense"), ("top", "-n"), ("prefix", "add")):
        answer = edge.cli(*words)
        equal(answer.code, 2, f"exit code of {words}")
        true(answer.error["message"], f"{words}: a message")
    true("connection" in edge.cli("conection", "show").stdout, "did you mean")
    true("partner" in edge.cli("connection", "add", "a", "partnr", "b").stdout, "did you mean")


def unknown_things_exit_3(edge):
    for words in (("connection", "show", "nobody"), ("connection", "del", "nobody"),
                  ("connection", "set", "nobody", "partner", "x"), ("counters", "nobody"),
                  ("prefix", "add", "nobody", "192.0.2.0/24"),
                  ("prefix", "del", "contoso-seattle", "192.0.2.0/24"), ("rollback", "4711")):
        answer = edge.cli(*words)
        equal(answer.code, 3, f"exit code of {words}: {answer.stdout}")
        true(answer.error["code"] == "not_found", f"{words}: {answer.error}")


def rules_exit_4(edge):
    add = ("connection", "add")
    rest = ("partner", "Colt", "country", "GB")
    cases = (
        ((*add, "contoso-seattle", *rest), "duplicate_name"),
        ((*add, "b", *rest, "prefix", "203.0.113.0/24"), "duplicate_prefix"),
        ((*add, "b", *rest, "prefix", "203.0.113.64/26"), "overlap"),
        ((*add, "b", *rest, "prefix", "203.0.112.0/23"), "overlap"),
        ((*add, "b", *rest, "prefix", "192.0.2.1/24"), "host_bits"),
        ((*add, "b", "partner", "Colt", "country", "US"), "missing_key"),
        ((*add, "b", *rest, "mark", str(edge.seattle_mark())), "conflict"),
        (("connection", "set", "contoso-seattle", "country", "XX"), "bad_value"),
    )
    before = edge.cli("export", check=True).stdout
    for words, code in cases:
        answer = edge.cli(*words)
        equal((answer.code, answer.error["code"]), (4, code), f"{words}: {answer.stdout}")
    told = edge.cli(*cases[1][0]).error
    true("contoso-seattle" in told["message"], f"the message names the owner: {told}")
    equal(edge.cli("export", check=True).stdout, before, "the registry afterwards")


def an_unreachable_daemon_exits_5(edge):
    for words in (("status",), ("connection", "show"), ("counters",), ("export",)):
        answer = edge.cli(*words, socket=edge.path("nobody.sock"))
        equal((answer.code, answer.error["code"]), (5, "unreachable"), f"{words}")
        true("nobody.sock" in answer.error["message"], f"{answer.error} names the socket")
    plain = edge.cli("status", socket=edge.path("nobody.sock"), form=())
    equal((plain.code, plain.stdout), (5, ""), "without -j nothing on stdout")
    true(plain.stderr, "but on stderr")


def offline_commands_need_no_daemon(edge):
    path = file_with(edge, line())
    answer = edge.cli("check", path, socket=edge.path("nobody.sock"))
    equal((answer.code, answer.json["ok"]), (0, True), "check")


def configuration_errors_name_the_line(edge):
    for text, word in (("sitee: x\n", "site"), ("site: a\noverlap: perhaps\n", "nested"),
                       ("max_connections: many\n", "max_connections"), ("site: [\n", ":"),
                       ("tag: {vlan: true}\nengines:\n  - {name: x, ports: [{name: p}]}\n",
                        "vlan")):
        path = edge.path("wrong.yaml")
        with open(path, "w", encoding="ascii") as file:
            file.write(text)
        for name, command in (("control", edge.control_command()),
                              ("the engine", edge.engine_command())):
            command = [path if word == edge.config else word for word in command]
            result = edge.namespace.run(*command, check=False, timeout=10)
            true(result.returncode != 0, f"{name} ends: {text}")
            true(path in result.stderr and word in result.stderr,
                 f"{name}: {result.stderr} names {path} and {word}")
    os.unlink(path)


def main():
    begin()
    with Edge(engines=[]) as edge:
        edge.seattle_mark = lambda: edge.get("/v1/connections/contoso-seattle")["tag"]["mark"]
        edge.start_control()
        edge.wait_api()
        edge.apply([seattle()])
        held = edge_holds(edge, [
            every_error_has_its_code, rules_of_the_configuration_are_applied,
            a_repeated_prefix_is_a_warning, broken_files_are_refused,
            files_that_cannot_be_read_are_named, all_forms_of_a_file_are_read, rules_exit_4,
            unknown_things_exit_3, usage_errors_exit_2, an_empty_or_small_file_needs_force,
            an_unreachable_daemon_exits_5, offline_commands_need_no_daemon,
            configuration_errors_name_the_line])
    raise SystemExit(0 if held else 1)


main()
