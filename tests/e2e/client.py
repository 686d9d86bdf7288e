# SPDX-License-Identifier: BSD-3-Clause
"""What asks the programs: the command line's answer, and HTTP over a unix socket."""

import contextlib
import http.client
import json
import socket


class Answer:
    """What the command line said: exit code, stdout, stderr, and the JSON document of -j."""

    def __init__(self, result):
        self.code = result.returncode
        self.stdout, self.stderr = result.stdout, result.stderr

    @property
    def json(self):
        return json.loads(self.stdout)

    @property
    def error(self):
        return self.json["error"]


class UnixConnection(http.client.HTTPConnection):
    """HTTP over a unix socket."""

    def __init__(self, path, timeout=30):
        super().__init__("localhost", timeout=timeout)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


def request(connection, method, path, body, headers):
    with contextlib.closing(connection):
        connection.request(method, path, body, headers or {})
        response = connection.getresponse()
        return response.status, dict(response.getheaders()), response.read()
