"""Checks the token in TOKEN over one connection to a Unix socket: check.py SOCKET COUNT.

Prints the median and the 99th percentile in microseconds. The first tenth is a warm-up.
"""
import http.client
import os
import socket
import sys
import time


class UnixConnection(http.client.HTTPConnection):
    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self.host)


path, count = sys.argv[1], int(sys.argv[2])
headers = {"Host": "agent", "Authorization": f"Bearer {os.environ['TOKEN']}"}
connection = UnixConnection(path)


def check():
    connection.request("GET", "/", headers=headers)
    answer = connection.getresponse()
    answer.read()
    assert answer.status == 200, answer.status


for _ in range(count // 10):
    check()
times = []
for _ in range(count):
    started_at = time.perf_counter()
    check()
    times.append((time.perf_counter() - started_at) * 1e6)
times.sort()
print(times[count // 2], times[count * 99 // 100])
