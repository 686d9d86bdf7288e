#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Who may read and who may write; no client can hold up or fill up the daemon."""

import contextlib
import grp
import json
import socket
import subprocess
import sys
import time

from client import UnixConnection, request
from customer import customer, london, prefix6, seattle
from statement import Edge, begin, edge_holds, equal, true

OUTSIDER = ("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups")
GROUP = "games"
READS = ("/v1/connections", "/v1/connections/contoso-seattle", "/v1/export", "/v1/history",
         "/v1/status", "/v1/counters", "/v1/latency", "/v1/lookup?address=203.0.113.1", "/metrics", "/healthz",
         "/")
WRITES = (
    ("POST", "/v1/connections", london()),
    ("PUT", "/v1/connections/contoso-seattle", seattle()),
    ("PATCH", "/v1/connections/contoso-seattle", {"partner": "Colt"}),
    ("DELETE", "/v1/connections/contoso-seattle", None),
    ("POST", "/v1/apply", london()),
    ("POST", "/v1/rollback", {"revision": 1}),
)
BODY_LIMIT = 64 << 20


def as_user(edge, member, method, path, document=None):
    """One request by a process of another user: its answer's status."""
    groups = ("--groups", str(grp.getgrnam(GROUP).gr_gid)) if member else ("--clear-groups",)
    body = () if document is None else ("--data-binary", json.dumps(document))
    result = edge.namespace.run(
        "setpriv", "--reuid", "65534", "--regid", "65534", *groups, "curl", "-s", "-o",
        "/dev/null", "-w", "%{http_code}", "--unix-socket", edge.socket, "-X", method, *body,
        f"http://localhost{path}")
    return int(result.stdout)


def everybody_may_read(edge):
    for path in READS:
        equal(as_user(edge, False, "GET", path), 200, f"GET {path} by an outsider")
    equal(as_user(edge, False, "POST", "/v1/check", london()), 200, "check by an outsider")
    equal(as_user(edge, False, "POST", "/v1/diff", london()), 200, "diff by an outsider")


def an_outsider_may_not_write(edge):
    before = edge.cli("export", check=True).stdout
    for method, path, document in WRITES:
        equal(as_user(edge, False, method, path, document), 403, f"{method} {path}")
    answer = edge.cli("connection", "del", "contoso-seattle", wrapper=OUTSIDER)
    equal((answer.code, answer.error["code"]), (4, "forbidden"), "the command line's exit code")
    equal(edge.cli("export", check=True).stdout, before, "the registry afterwards")


def a_member_of_the_group_may_write(edge):
    equal(as_user(edge, True, "POST", "/v1/connections", customer("by-member")), 201, "POST")
    equal(as_user(edge, True, "DELETE", "/v1/connections/by-member"), 200, "DELETE")


def the_tcp_listener_only_reads(edge):
    before = edge.cli("export", check=True).stdout
    for path in READS:
        equal(edge.tcp("GET", path)[0], 200, f"GET {path} over TCP")
    for method, path, document in WRITES:
        status = edge.tcp(method, path, json.dumps(document))[0]
        true(status in (404, 405), f"{method} {path} over TCP: {status}")
    equal(edge.cli("export", check=True).stdout, before, "the registry afterwards")


def names_are_unescaped_in_paths(edge):
    edge.api("POST", "/v1/connections", customer("a/b ü"))
    status, _, body = edge.api("GET", "/v1/connections/a%2Fb%20%C3%BC")
    equal((status, json.loads(body)["name"]), (200, "a/b ü"), "GET of an escaped name")
    equal(edge.api("DELETE", "/v1/connections/a%2Fb%20%C3%BC")[0], 200, "DELETE of it")


def what_was_read_may_be_put_again(edge):
    path = "/v1/connections/again"
    edge.api("POST", "/v1/connections", customer("again"))
    read = json.loads(edge.api("GET", path)[2])
    status, _, body = edge.api("PUT", path, read)
    equal((status, json.loads(body)["committed"]), (200, False), "PUT of what GET gave")
    equal(edge.api("PUT", path, read | {"id": read["id"] + 1})[0], 422, "PUT of another id")
    equal(edge.api("DELETE", path)[0], 200, "DELETE of it")


def names_of_dots_are_names(edge):
    for name in (".", "..", "..."):
        equal(edge.cli("connection", "add", name, "partner", "Colt", "country", "GB").code, 0,
              f"add {name}")
        equal(edge.cli("connection", "show", name, check=True).json["name"], name, f"show {name}")
        equal(edge.cli("connection", "set", name, "city", "Bath").code, 0, f"set {name}")
        equal(edge.cli("connection", "del", name).code, 0, f"del {name}")


def only_an_address_or_localhost_is_answered_over_tcp(edge):
    """A web page whose name was made to point here (DNS rebinding) sends that name."""
    for host in ("127.0.0.1", "127.0.0.1:9471", "localhost", "LOCALHOST:1", "[::1]:9471"):
        equal(edge.tcp("GET", "/v1/counters", headers={"Host": host})[0], 200, f"Host: {host}")
    for host in ("example.com", "1.example.com", "127.0.0.1.example.com", "localhost.example.com",
                 "[example.com]", ""):
        equal(edge.tcp("GET", "/v1/counters", headers={"Host": host})[0], 403, f"Host: {host}")


def errors_have_their_status(edge):
    cases = (
        ("GET", "/v1/nothing", None, 404), ("GET", "/v1/connections/nobody", None, 404),
        ("DELETE", "/v1/connections/nobody", None, 404), ("GET", "/v1/lookup?address=x", None, 400),
        ("POST", "/v1/connections", seattle(), 409), ("POST", "/v1/connections", [1], 422),
        ("POST", "/v1/connections", customer("x", "192.0.2.1/24"), 422),
    )
    for method, path, document, expected in cases:
        status, _, body = edge.api(method, path, document)
        true(status == expected or {status, expected} == {400, 422},
             f"{method} {path}: {status}, {body[:200]}")
        true(json.loads(body)["error"]["message"], f"{method} {path}: an error document")
    equal(edge.api("POST", "/v1/connections", body=b"{", headers={})[0], 400, "a broken body")


def a_refused_method_names_those_that_are_taken(edge):
    cases = (
        (edge.api, "PUT", "/v1/status", "GET"), (edge.api, "GET", "/v1/apply", "POST"),
        (edge.api, "DELETE", "/v1/connections", "GET, POST"),
        (edge.api, "POST", "/v1/connections/x", "GET, PUT, PATCH, DELETE"),
        (edge.tcp, "DELETE", "/v1/connections/x", "GET"), (edge.tcp, "POST", "/v1/apply", None),
    )
    for ask, method, path, allowed in cases:
        status, headers, _ = ask(method, path)
        equal((status, headers.get("Allow")), (405, allowed), f"{method} {path}")


def a_large_body_is_refused(edge):
    connection = UnixConnection(edge.socket)
    with contextlib.closing(connection):
        connection.putrequest("POST", "/v1/apply")
        connection.putheader("Content-Length", str(BODY_LIMIT + 1))
        connection.endheaders()
        equal(connection.getresponse().status, 413, "status by its announced length")
    equal(chunked_status(edge), 413, "status of a body without a length")
    true(memory_mib(edge) < 400, f"memory afterwards: {memory_mib(edge)} MiB")


def chunked_status(edge):
    connection = UnixConnection(edge.socket)
    with contextlib.closing(connection):
        connection.putrequest("POST", "/v1/apply")
        connection.putheader("Transfer-Encoding", "chunked")
        connection.endheaders()
        chunk = b"%x\r\n%s\r\n" % (1 << 20, b" " * (1 << 20))
        for _ in range((BODY_LIMIT >> 20) + 8):
            connection.send(chunk)
        connection.send(b"0\r\n\r\n")
        return connection.getresponse().status


def memory_mib(edge):
    with open(f"/proc/{edge.processes['peertagd'].pid}/status", encoding="ascii") as file:
        return next(int(row.split()[1]) for row in file if row.startswith("VmRSS")) // 1024


def slow_clients_do_not_block_others(edge):
    slow = [socket.socket(socket.AF_UNIX) for _ in range(100)]
    with contextlib.ExitStack() as stack:
        for number, client in enumerate(slow):
            stack.enter_context(client)
            client.connect(edge.socket)
            client.send((b"GET /metrics HTTP/1.1\r\nHost: x\r\n", b"G",
                         b"POST /v1/apply HTTP/1.1\r\nContent-Length: 999999\r\n\r\n{",
                         b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")[number % 4])
        began = time.monotonic()
        for _ in range(20):
            equal(edge.api("GET", "/v1/status")[0], 200, "status")
        equal(edge.api("PATCH", "/v1/connections/contoso-seattle", {"city": "Seattle"})[0], 200,
              "a change")
        true(time.monotonic() - began < 2, "others are served at once")


def nonsense_is_answered_or_dropped(edge):
    for garbage in (b"\x00" * 4096, b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n",
                    b"GET /" + b"a" * 100000 + b" HTTP/1.1\r\n\r\n",
                    b"GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
                    b"GET /%00 HTTP/1.1\r\nHost: x\r\n\r\n",
                    b"GET /v1/connections/%zz HTTP/1.1\r\nHost: x\r\n\r\n"):
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(1)
            client.connect(edge.socket)
            with contextlib.suppress(OSError):
                client.sendall(garbage)
                client.shutdown(socket.SHUT_WR)
                answer = client.recv(4096)
                true(not answer or b" 4" in answer[:16] or b" 5" in answer[:16],
                     f"{garbage[:20]}: {answer[:60]}")
    equal(edge.api("GET", "/healthz")[0], 200, "the daemon lives")


def events_tell_of_changes(edge):
    connection = UnixConnection(edge.socket, timeout=5)
    with contextlib.closing(connection):
        connection.request("GET", "/v1/events")
        response = connection.getresponse()
        true(response.getheader("Content-Type").startswith("text/event-stream"), "content type")
        edge.api("PATCH", "/v1/connections/contoso-seattle", {"city": "Tacoma"})
        told = b""
        while b"data:" not in told or not told.endswith(b"\n\n"):
            told += response.read1(4096)
        true(b"contoso-seattle" in told or b"revision" in told, f"{told}")


def many_clients_are_served(edge):
    with contextlib.ExitStack() as stack:
        clients = []
        for _ in range(200):
            client = UnixConnection(edge.socket)
            client.connect()
            clients.append(stack.enter_context(contextlib.closing(client)))
        answers = [request(client, "GET", "/healthz", None, None)[0] for client in clients]
        equal(set(answers), {200}, "statuses")


IDLE = """
import socket, sys, time
clients = []
for _ in range(600):
    client = socket.socket(socket.AF_UNIX)
    client.connect(sys.argv[1])
    clients.append(client)
print("connected", flush=True)
time.sleep(30)
"""


def idle_readers_leave_room_for_writers(edge):
    command = (*OUTSIDER, sys.executable, "-c", IDLE, edge.socket)
    with subprocess.Popen(command, stdout=subprocess.PIPE) as outsider:
        try:
            equal(outsider.stdout.readline(), b"connected\n", "600 clients of another user")
            began = time.monotonic()
            equal(edge.api("PATCH", "/v1/connections/contoso-seattle", {"city": "Kent"})[0], 200,
                  "a change")
            true(time.monotonic() - began < 2, "the writer is served at once")
        finally:
            outsider.kill()
    equal(as_user(edge, False, "GET", "/v1/status"), 200, "readers are let in again")


def a_change_that_was_made_is_acknowledged_before_the_end(edge):
    """The daemon is told to end while it works on a change, and while others ask."""
    path = edge.path("many.jsonl")
    with open(path, "w", encoding="utf-8") as file:
        for number in range(800):
            prefixes = [prefix6(number * 100 + at) for at in range(100)]
            file.write(json.dumps(customer(f"c{number}", *prefixes)) + "\n")
    for delay in (0.1, 0.2, 0.3):
        before = edge.status()["revision"]
        command = edge.cli_command("apply", path, "--force")
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as apply:
            time.sleep(delay)
            equal(edge.end("peertagd"), 0, "exit code of the daemon")
            answered = apply.wait(10) == 0
        edge.start_control()
        edge.wait_api()
        equal(answered, edge.status()["revision"] > before,
              f"acknowledged, as it was made (after {delay} s)")
        edge.apply([seattle()], "--force")


def main():
    begin()
    with Edge(engines=[], api_group=GROUP) as edge:
        edge.start_control()
        edge.wait_api()
        edge.apply([seattle()])
        held = edge_holds(edge, [
            everybody_may_read, an_outsider_may_not_write, a_member_of_the_group_may_write,
            the_tcp_listener_only_reads, names_are_unescaped_in_paths,
            what_was_read_may_be_put_again, errors_have_their_status,
            a_refused_method_names_those_that_are_taken,
            a_large_body_is_refused, slow_clients_do_not_block_others,
            nonsense_is_answered_or_dropped, events_tell_of_changes, many_clients_are_served,
            names_of_dots_are_names, only_an_address_or_localhost_is_answered_over_tcp,
            idle_readers_leave_room_for_writers,
            a_change_that_was_made_is_acknowledged_before_the_end])
    raise SystemExit(0 if held else 1)


main()
