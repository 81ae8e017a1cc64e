"""Answers every name server question for an IPv4 address with one wrong address, and all others with nothing.

usage: answer.py slotquake-answer=<tag>= port=<udp port> address=<ip>

Returns once it listens; a child process then answers until it is ended.
"""
import os
import socket
import struct
import sys

options = dict(word.split("=", 1) for word in sys.argv[2:])
listener = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
try:
    listener.bind(("127.0.0.1", int(options["port"])))
except OSError as error:
    sys.exit("expected a free udp port %s for wrong answers: %s" % (options["port"], error))
if os.fork():
    os._exit(0)
os.setsid()
null = os.open(os.devnull, os.O_RDWR)
for stream in (0, 1, 2):
    os.dup2(null, stream)

while True:
    question, asker = listener.recvfrom(4096)
    if len(question) < 17:
        continue
    end = 12
    while end < len(question) and question[end]:
        end += question[end] + 1
    end += 5
    kind = struct.unpack_from("!H", question, end - 4)[0] if end <= len(question) else 0
    address = kind == 1
    # Response, recursion available; one question, and one answer where an address was asked for.
    header = question[:2] + struct.pack("!HHHHH", 0x8580, 1, 1 if address else 0, 0, 0)
    answer = b"\xc0\x0c" + struct.pack("!HHIH", 1, 1, 1, 4) + socket.inet_aton(options["address"]) if address else b""
    listener.sendto(header + question[12:end] + answer, asker)
