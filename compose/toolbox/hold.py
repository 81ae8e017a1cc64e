"""Holds the packets of one netfilter queue, as netem would, where the kernel has no netem.

    hold.py slotquake-hold=<tag>= queue=5100 delay=50 jitter=0 distribution=uniform loss=0 duplicate=0 reorder=0
            corrupt=0 seed=1 duplicated=0x40000000 state=/run/slotquake/<tag>.json

Times are milliseconds, shares are percent. It returns once the queue is bound, and goes on in the background until
SIGTERM, which lets go of everything held. Any other end makes the kernel drop what is held and pass all else, since
the rule that feeds the queue says `--queue-bypass`. The verdict is always "go through the chain again": a packet that
two holders want goes to both, and the mark that the rules set keeps it from coming twice to one.
"""

import heapq
import os
import random
import select
import signal
import socket
import struct
import sys
import time

NETLINK_NETFILTER, SOL_NETLINK, NETLINK_NO_ENOBUFS, SO_RCVBUFFORCE = 12, 270, 5, 33
REQUEST, ACK, NLMSG_ERROR = 1, 4, 2
PACKET, VERDICT, CONFIG = 0x300, 0x301, 0x302
VERDICT_HEADER, MARK, PAYLOAD, CAP_LEN = 2, 3, 10, 13
BIND, COPY_META, COPY_PACKET, FAIL_OPEN, GSO = 1, 1, 2, 1, 4
DROP, REPEAT = 0, 4
WAITING_PACKETS, RECEIVE_BYTES, DRAIN, SWAP_SECONDS, STATE_SECONDS = 200_000, 32 << 20, 256, 0.010, 0.1


def attribute(kind, data):
    return struct.pack("=HH", 4 + len(data), kind) + data + bytes(-len(data) % 4)


def message(kind, flags, queue, attributes):
    return struct.pack("=IHHIIBBH", 20 + len(attributes), kind, flags, 0, 0, 0, 0, socket.htons(queue)) + attributes


class Queue:
    """The kernel's side: what it says of packets and what it is told."""

    def __init__(self, number, whole_packets):
        self.number = number
        self.socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER)
        self.socket.bind((0, 0))
        try:
            self.socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, RECEIVE_BYTES)
        except OSError:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BYTES)
        self.socket.setsockopt(SOL_NETLINK, NETLINK_NO_ENOBUFS, 1)
        # The second queue is for packets whose copies come to the first: they are dropped.
        for each in (number, number + 1):
            self.bind(each, whole_packets and each == number)
        self.socket.setblocking(False)
        self.prefix = {}
        for name, each, verdict in ((DROP, number, DROP), (REPEAT, number, REPEAT), ("copied", number + 1, DROP)):
            empty = message(VERDICT, REQUEST, each, attribute(VERDICT_HEADER, struct.pack("!II", verdict, 0)))
            self.prefix[name] = empty[:-4]
        self.second = struct.pack("!H", number + 1)

    def bind(self, number, whole_packets):
        self.configure(number, 1, struct.pack("!BBH", BIND, 0, 0))
        # A packet of many segments comes in one piece, except where its content is to change: its checksum would be
        # made anew when it is cut, and the flaw would go unseen into the application's data.
        flags = FAIL_OPEN | (0 if whole_packets else GSO)
        self.configure(number, 5, struct.pack("!I", flags), attribute(4, struct.pack("!I", FAIL_OPEN | GSO)))
        self.configure(number, 3, struct.pack("!I", WAITING_PACKETS))
        self.configure(number, 2, struct.pack("!IB", 0xFFFF, COPY_PACKET) if whole_packets else struct.pack("!IB", 0, COPY_META))

    def configure(self, number, kind, data, more=b""):
        self.socket.send(message(CONFIG, REQUEST | ACK, number, attribute(kind, data) + more))
        while True:
            answer = self.socket.recv(65536)
            if struct.unpack_from("=H", answer, 4)[0] == NLMSG_ERROR:
                break
        code = -struct.unpack_from("=i", answer, 16)[0]
        if code:
            raise OSError(code, f"queue {number}: {os.strerror(code)}")

    def verdict(self, verdict, packet):
        return self.prefix[verdict] + packet

    def changed(self, packet, mark=None, payload=None):
        attributes = attribute(VERDICT_HEADER, struct.pack("!I", REPEAT) + packet)
        if mark is not None:
            attributes += attribute(MARK, struct.pack("!I", mark))
        if payload is not None:
            attributes += attribute(PAYLOAD, payload)
        return message(VERDICT, REQUEST, self.number, attributes)


def attributes(data):
    found, at = {}, 20
    while at + 4 <= len(data):
        size, kind = struct.unpack_from("=HH", data, at)
        found[kind & 0x3FFF] = data[at + 4 : at + size]
        at += (size + 3) & ~3
    return found


def flawed(packet, choose):
    """One bit of the TCP payload flipped, or of the checksum where there is none: the receiver's kernel throws it away."""
    packet = bytearray(packet)
    start = (packet[0] & 15) * 4
    if packet[9] == socket.IPPROTO_TCP:
        payload = start + (packet[start + 12] >> 4) * 4
        first, last = (payload, len(packet)) if payload < len(packet) else (start + 16, start + 18)
    else:
        first, last = start, len(packet)
    packet[choose.randrange(first, last)] ^= 1 << choose.randrange(8)
    return bytes(packet)


class Holder:
    def __init__(self, queue, wish, choose, state):
        self.queue, self.wish, self.choose, self.state = queue, wish, choose, state
        self.waiting = []  # A heap of (due, arrival, what to tell the kernel).
        self.overtaken = {}  # By hook: (due, what to tell the kernel) of the packet that the next one overtakes.
        self.count = dict.fromkeys(("packets", "delayed", "lost", "duplicated", "reordered", "corrupted"), 0)
        self.told_at, self.told = 0.0, None

    def chance(self, name):
        return self.wish[name] > 0 and self.choose.random() * 100 < self.wish[name]

    def seconds(self):
        delay, jitter = self.wish["delay"], self.wish["jitter"]
        if jitter > 0:
            normal = self.wish["distribution"] == "normal"
            delay = self.choose.gauss(delay, jitter) if normal else self.choose.uniform(delay - jitter, delay + jitter)
        return delay / 1000

    def arrive(self, data, now):
        """What to tell the kernel at once."""
        count, packet = self.count, data[24:28]
        if data[18:20] == self.queue.second:
            return self.queue.verdict("copied", packet)
        count["packets"] += 1
        if self.chance("loss"):
            count["lost"] += 1
            return self.queue.verdict(DROP, packet)
        told = self.release(data, packet)
        delayed = self.wish["delay"] > 0 or self.wish["jitter"] > 0
        reordered = self.chance("reorder")
        if reordered:
            count["reordered"] += 1
        if delayed and not reordered:
            count["delayed"] += 1
            heapq.heappush(self.waiting, (now + self.seconds(), count["packets"], told))
            return b""
        hook = data[30]
        if reordered and not delayed and hook not in self.overtaken:
            self.overtaken[hook] = (now + SWAP_SECONDS, told)
            return b""
        return told + self.overtaken.pop(hook, (0, b""))[1] if self.overtaken else told

    def release(self, data, packet):
        duplicated, corrupted = self.chance("duplicate"), self.chance("corrupt")
        if not (duplicated or corrupted):
            return self.queue.verdict(REPEAT, packet)
        found = attributes(data)
        mark = payload = None
        if duplicated:
            self.count["duplicated"] += 1
            mark = struct.unpack("!I", found.get(MARK, bytes(4)))[0] | self.wish["duplicated"]
        # A packet that came cut short cannot be given back changed.
        if corrupted and CAP_LEN not in found and PAYLOAD in found:
            self.count["corrupted"] += 1
            payload = flawed(found[PAYLOAD], self.choose)
        return self.queue.changed(packet, mark, payload)

    def due(self, now):
        ready = []
        waiting = self.waiting
        while waiting and waiting[0][0] <= now:
            ready.append(heapq.heappop(waiting)[2])
        for hook in [hook for hook, (at, _) in self.overtaken.items() if at <= now]:
            ready.append(self.overtaken.pop(hook)[1])
        return ready

    def next_due(self):
        times = [at for at, _ in self.overtaken.values()]
        if self.waiting:
            times.append(self.waiting[0][0])
        return min(times, default=None)

    def tell(self, ready):
        for start in range(0, len(ready), 128):
            self.queue.socket.send(b"".join(ready[start : start + 128]))

    def note(self, now):
        """Writes the counters for those who ask; a moment late at most, and never half."""
        held = len(self.waiting) + len(self.overtaken)
        fresh = ",".join(f'"{name}":{value}' for name, value in [*self.count.items(), ("held", held)])
        if fresh != self.told:
            with open(f"{self.state}.new", "w") as file:
                file.write(fresh)
            os.rename(f"{self.state}.new", self.state)
            self.told = fresh
        self.told_at = now

    def drain(self, now):
        at_once = []
        for _ in range(DRAIN):
            try:
                data = self.queue.socket.recv(70_000)
            except BlockingIOError:
                return at_once, True
            if struct.unpack_from("=H", data, 4)[0] == PACKET:
                told = self.arrive(data, now)
                if told:
                    at_once.append(told)
        return at_once, False

    def run(self, stop):
        clock, dirty = time.monotonic, True
        self.note(clock())
        while True:
            now = clock()
            ready = self.due(now)
            if ready:
                self.tell(ready)
                dirty = True
            if dirty and now - self.told_at >= STATE_SECONDS:
                self.note(now)
                dirty = False
            times = [at for at in (self.next_due(), self.told_at + STATE_SECONDS if dirty else None) if at is not None]
            timeout = max(0.0, min(times) - clock()) if times else None
            readable, _, _ = select.select([self.queue.socket, stop], [], [], timeout)
            if stop in readable:
                return self.finish()
            if readable:
                at_once, _ = self.drain(clock())
                self.tell(at_once)
                dirty = True

    def finish(self):
        empty = False
        while not empty:
            at_once, empty = self.drain(time.monotonic())
            self.tell(at_once)
        self.tell(self.due(float("inf")))


def main():
    wish = dict(word.split("=", 1) for word in sys.argv[2:])
    for name in ("delay", "jitter", "loss", "duplicate", "reorder", "corrupt"):
        wish[name] = float(wish[name])
    wish["duplicated"] = int(wish["duplicated"], 16)
    reading, writing = os.pipe()
    if os.fork() > 0:
        os.close(writing)
        problem = b"".join(iter(lambda: os.read(reading, 4096), b"")).decode()
        if problem != "ready":
            sys.exit(f"the packet holder did not start: {problem or 'it ended at once'}")
        return
    os.setsid()
    silence = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(silence, stream)
    try:
        with open("/proc/self/timerslack_ns", "w") as slack:
            slack.write("1")
        ended, end = socket.socketpair()
        end.setblocking(False)
        signal.signal(signal.SIGTERM, lambda *_: None)
        signal.set_wakeup_fd(end.fileno())
        queue = Queue(int(wish["queue"]), wish["corrupt"] > 0)
        holder = Holder(queue, wish, random.Random(int(wish["seed"])), wish["state"])
        holder.note(time.monotonic())
        os.write(writing, b"ready")
        os.close(writing)
    except BaseException as error:
        os.write(writing, str(error).encode())
        os._exit(1)
    holder.run(ended)


main()
