"""Measures a wire between two toolboxes; Python's minimal library alone.

    meter.py serve PORT                      echoes TCP, and UDP that asks for it; answers COUNT over TCP
    meter.py rtt HOST PORT COUNT GAP_MS      round trips of one TCP connection, in ms
    meter.py spray HOST PORT COUNT GAP_MS    UDP echoes sent at a steady pace; prints the ms of each, or None
    meter.py bulk HOST PORT MB               echoes so much over TCP and says whether it came back whole
    meter.py pile HOST PORT COUNT            UDP, as many as the socket takes without waiting; prints [sent]
    meter.py flood HOST PORT RATE SECONDS    UDP one way; prints what the server saw of it: [distinct, extra, late]
"""

import random
import select
import socket
import struct
import sys
import time

clock = time.perf_counter


def serve(port):
    listener = socket.create_server(("0.0.0.0", port), backlog=64)
    datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    datagrams.setsockopt(socket.SOL_SOCKET, 33, 16 << 20)  # SO_RCVBUFFORCE
    datagrams.bind(("0.0.0.0", port))
    print("serving", flush=True)
    connections, seen, extra, late, last = [], set(), 0, 0, -1
    while True:
        readable, _, _ = select.select([listener, datagrams, *connections], [], [])
        for source in readable:
            if source is listener:
                connection, _ = listener.accept()
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                connections.append(connection)
            elif source is datagrams:
                datagrams.setblocking(False)
                for _ in range(256):
                    try:
                        data, sender = datagrams.recvfrom(2048)
                    except BlockingIOError:
                        break
                    number, wants_echo = struct.unpack_from("!I?", data)
                    extra += number in seen
                    late += number < last and number not in seen
                    last = max(last, number)
                    seen.add(number)
                    if wants_echo:
                        datagrams.sendto(data, sender)
            else:
                try:
                    data = source.recv(1 << 16)
                except ConnectionError:
                    data = b""
                if not data:
                    connections.remove(source)
                    source.close()
                elif data == b"COUNT":
                    source.sendall(repr([len(seen), extra, late]).encode())
                    seen, extra, late, last = set(), 0, 0, -1
                else:
                    source.sendall(data)


def ask(host, port, question):
    with socket.create_connection((host, port), timeout=10) as connection:
        connection.sendall(question)
        return connection.recv(4096).decode()


def rtt(host, port, count, gap):
    result = []
    with socket.create_connection((host, port), timeout=10) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for number in range(count):
            start = clock()
            connection.sendall(b"%08d" % number)
            got = b""
            while len(got) < 8:
                got += connection.recv(64)
            assert got == b"%08d" % number, got
            result.append(round((clock() - start) * 1000, 3))
            time.sleep(gap / 1000)
    print(result)


def spray(host, port, count, gap):
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sender.setsockopt(socket.SOL_SOCKET, 33, 16 << 20)
    sender.connect((host, port))
    sent, result, start, until = [], [None] * count, clock(), None
    while len(sent) < count or clock() < until:
        if len(sent) < count and clock() >= start + len(sent) * gap / 1000:
            sent.append(clock())
            sender.send(struct.pack("!I?", len(sent) - 1, True))
            until = clock() + 1
        due = start + len(sent) * gap / 1000 if len(sent) < count else until
        readable, _, _ = select.select([sender], [], [], max(0, due - clock()))
        if readable:
            (number,) = struct.unpack_from("!I", sender.recv(64))
            if result[number] is None:
                result[number] = round((clock() - sent[number]) * 1000, 3)
        if None not in result:
            break
    print(result)


def bulk(host, port, megabytes):
    pattern = random.Random(1).randbytes(megabytes << 20)
    sent, got, start = 0, bytearray(), clock()
    with socket.create_connection((host, port), timeout=30) as connection:
        while len(got) < len(pattern):
            wants = [connection] if sent < len(pattern) else []
            readable, writable, _ = select.select([connection], wants, [])
            if writable:
                sent += connection.send(pattern[sent : sent + 65536])
            if readable:
                got += connection.recv(1 << 16)
    print("whole" if got == pattern else "damaged", round(clock() - start, 1), "s")


def pile(host, port, count):
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sender.connect((host, port))
    sender.setblocking(False)
    for number in range(count):
        try:
            sender.send(struct.pack("!I?", number, False) + bytes(1000))
        except BlockingIOError:
            return print([number])
        time.sleep(0.002)
    print([count])


def flood(host, port, rate, seconds):
    ask(host, port, b"COUNT")
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    # Packets that are held are on the sender's account.
    sender.setsockopt(socket.SOL_SOCKET, 32, 32 << 20)  # SO_SNDBUFFORCE
    sender.connect((host, port))
    start = clock()
    for number in range(rate * seconds):
        sender.send(struct.pack("!I?", number, False))
        ahead = start + number / rate - clock()
        if ahead > 0.001:
            time.sleep(ahead)
    # Whoever is late has arrived when two looks in a row find nothing new.
    total = [0, 0, 0]
    while True:
        time.sleep(0.3)
        counted = [int(word) for word in ask(host, port, b"COUNT").strip("[]").split(",")]
        total = [a + b for a, b in zip(total, counted)]
        if counted[0] == 0:
            break
    print(total)


command, arguments = sys.argv[1], sys.argv[2:]
if command == "serve":
    serve(int(arguments[0]))
{"rtt": rtt, "spray": spray, "bulk": bulk, "pile": pile, "flood": flood}[command](arguments[0], *map(int, arguments[1:]))
