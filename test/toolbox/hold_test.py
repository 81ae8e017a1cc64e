"""Tests of compose/toolbox/hold.py on paper: no queue of the kernel, no clock but a made one.

    python3 -m unittest hold_test
"""

import os
import pathlib
import random
import socket
import struct
import subprocess
import sys
import tempfile
import types
import unittest

program = pathlib.Path(__file__).parents[2] / "compose" / "toolbox" / "hold.py"


def load():
    """The program as a module, without its last line, which runs it."""
    source = program.read_text()
    body = source.removesuffix("main()\n")
    assert body != source, "expected the program to end with main()"
    module = types.ModuleType("hold")
    exec(compile(body, str(program), "exec"), module.__dict__)
    return module


hold = load()
NUMBER = 5100
nothing = dict(delay=0, jitter=0, distribution="uniform", loss=0, duplicate=0, reorder=0, corrupt=0, duplicated=0x40000000)


class Netlink:
    """The kernel's end of a netlink socket: notes what it is told, and says what it was given to say."""

    def __init__(self, *_):
        self.sent, self.answers = [], []

    def bind(self, _):
        pass

    def setsockopt(self, _level, option, _value):
        if option == hold.SO_RCVBUFFORCE:
            raise PermissionError

    def setblocking(self, _):
        pass

    def send(self, data):
        self.sent.append(data)

    def recv(self, _):
        if not self.answers:
            raise BlockingIOError
        return self.answers.pop(0)


class Agreeable(Netlink):
    """One that acknowledges what it is asked for, after a packet that came first."""

    code = 0

    def send(self, data):
        super().send(data)
        if struct.unpack_from("=H", data, 4)[0] == hold.CONFIG:
            self.answers += [packet(1), struct.pack("=IHHIIi", 36, hold.NLMSG_ERROR, 0, 0, 0, -self.code) + bytes(16)]


def on_paper(kernel):
    """The same program with another kernel behind its sockets."""
    hold.socket = types.SimpleNamespace(**{**vars(socket), "socket": kernel})


def parts(data):
    """Queue number, kind and attributes of a message to the kernel."""
    size, kind = struct.unpack_from("=IH", data)
    assert size == len(data), f"{size} bytes are announced, {len(data)} sent"
    return socket.ntohs(struct.unpack_from("=H", data, 18)[0]), kind, hold.attributes(data)


def verdicts(told):
    """All verdicts of what is told at once, in order: (queue, verdict, packet, other attributes)."""
    found = []
    while told:
        size = struct.unpack_from("=I", told)[0]
        queue, kind, attributes = parts(told[:size])
        assert kind == hold.VERDICT
        verdict, number = struct.unpack("!II", attributes.pop(hold.VERDICT_HEADER))
        found.append((queue, verdict, number, attributes))
        told = told[size:]
    return found


def packet(number, queue=NUMBER, hook=3, mark=None, payload=None, cut=False):
    """What the kernel says of a packet."""
    attributes = hold.attribute(1, struct.pack("!IHB", number, 0x0800, hook))
    if mark is not None:
        attributes += hold.attribute(hold.MARK, struct.pack("!I", mark))
    if payload is not None:
        attributes += hold.attribute(hold.PAYLOAD, payload)
    if cut:
        attributes += hold.attribute(hold.CAP_LEN, struct.pack("!I", 9000))
    return hold.message(hold.PACKET, 0, queue, attributes)


def tcp(payload):
    return b"\x45\0\0\0\0\0\0\0\x40\x06\0\0\x0a\0\0\x01\x0a\0\0\x02" + bytes(12) + b"\x50\x18\0\0\0\0\0\0" + payload


udp = b"\x45\0\0\0\0\0\0\0\x40\x11\0\0\x0a\0\0\x01\x0a\0\0\x02" + bytes(8) + b"datagram"


def bits(one, other):
    return sum(bin(a ^ b).count("1") for a, b in zip(one, other, strict=True))


class OnPaper(unittest.TestCase):
    def setUp(self):
        on_paper(Agreeable)
        self.addCleanup(setattr, hold, "socket", socket)
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.state = os.path.join(folder.name, "state.json")

    def holder(self, seed=1, **wish):
        queue = hold.Queue(NUMBER, wish.get("corrupt", 0) > 0)
        queue.socket.sent.clear()
        queue.socket.answers.clear()
        return hold.Holder(queue, {**nothing, **wish}, random.Random(seed), self.state)


class Messages(OnPaper):
    def test_are_padded_to_words_and_say_their_length(self):
        self.assertEqual(hold.attribute(7, b"abcde"), struct.pack("=HH", 9, 7) + b"abcde\0\0\0")
        message = hold.message(hold.CONFIG, hold.REQUEST, 300, hold.attribute(7, b"abcde"))
        self.assertEqual(parts(message), (300, hold.CONFIG, {7: b"abcde"}))

    def test_are_numbered_as_the_kernel_has_them(self):
        # linux/netfilter.h, nfnetlink.h and nfnetlink_queue.h
        self.assertEqual((hold.DROP, hold.REPEAT), (0, 4))
        self.assertEqual((hold.PACKET, hold.VERDICT, hold.CONFIG), (0x300, 0x301, 0x302))
        self.assertEqual((hold.VERDICT_HEADER, hold.MARK, hold.PAYLOAD, hold.CAP_LEN), (2, 3, 10, 13))
        self.assertEqual((hold.BIND, hold.COPY_META, hold.COPY_PACKET, hold.FAIL_OPEN, hold.GSO), (1, 1, 2, 1, 4))

    def test_give_their_attributes_back_also_nested_ones_and_one_that_is_cut_off(self):
        data = hold.message(hold.PACKET, 0, 1, hold.attribute(3 | 0x8000, b"abc") + hold.attribute(4, b"") + b"\x09")
        self.assertEqual(hold.attributes(data), {3: b"abc", 4: b""})


class TheQueue(OnPaper):
    def configured(self, whole_packets):
        sent = hold.Queue(NUMBER, whole_packets).socket.sent
        found = {}
        for queue, kind, attributes in map(parts, sent):
            self.assertEqual(kind, hold.CONFIG)
            found.setdefault(queue, {}).update(attributes)
        return found

    def test_is_bound_with_a_second_one_for_copies_and_fails_open(self):
        found = self.configured(False)
        self.assertEqual(set(found), {NUMBER, NUMBER + 1})
        for attributes in found.values():
            self.assertEqual(attributes[1], struct.pack("!BBH", hold.BIND, 0, 0))
            self.assertEqual(attributes[2], struct.pack("!IB", 0, hold.COPY_META))
            self.assertEqual(attributes[3], struct.pack("!I", hold.WAITING_PACKETS))
            self.assertEqual(attributes[4], struct.pack("!I", hold.FAIL_OPEN | hold.GSO))
            self.assertEqual(attributes[5], struct.pack("!I", hold.FAIL_OPEN | hold.GSO))

    def test_asks_for_whole_packets_and_single_segments_where_their_content_changes(self):
        found = self.configured(True)
        self.assertEqual(found[NUMBER][2], struct.pack("!IB", 0xFFFF, hold.COPY_PACKET))
        self.assertEqual(found[NUMBER][5], struct.pack("!I", hold.FAIL_OPEN))
        self.assertEqual(found[NUMBER + 1][2], struct.pack("!IB", 0, hold.COPY_META))

    def test_says_which_queue_the_kernel_refuses_and_why(self):
        on_paper(type("Refusing", (Agreeable,), {"code": 1}))
        with self.assertRaisesRegex(OSError, r"queue 5100: Operation not permitted"):
            hold.Queue(NUMBER, False)


class AFlaw(unittest.TestCase):
    def test_is_one_bit_of_the_payload(self):
        whole = tcp(b"hello")
        places = set()
        for seed in range(300):
            flawed = hold.flawed(whole, random.Random(seed))
            self.assertEqual(bits(whole, flawed), 1)
            self.assertEqual(flawed[:40], whole[:40])
            places.add(next(at for at in range(len(whole)) if whole[at] != flawed[at]))
        self.assertEqual(places, set(range(40, 45)))

    def test_is_in_the_checksum_where_there_is_no_payload(self):
        whole = tcp(b"")
        for seed in range(100):
            flawed = hold.flawed(whole, random.Random(seed))
            self.assertEqual(bits(whole[36:38], flawed[36:38]), 1)
            self.assertEqual(bits(whole, flawed), 1)

    def test_leaves_the_header_of_ip_alone_whatever_it_carries(self):
        for seed in range(100):
            flawed = hold.flawed(udp, random.Random(seed))
            self.assertEqual((flawed[:20], bits(udp, flawed)), (udp[:20], 1))


class APacket(OnPaper):
    def told(self, holder, number=1, now=0.0, **what):
        return [(verdict, found) for _, verdict, found, _ in verdicts(holder.arrive(packet(number, **what), now))]

    def test_goes_on_at_once_where_nothing_is_wished_for(self):
        holder = self.holder()
        self.assertEqual(verdicts(holder.arrive(packet(7), 0)), [(NUMBER, hold.REPEAT, 7, {})])
        self.assertEqual(holder.count["packets"], 1)
        self.assertIsNone(holder.next_due())

    def test_is_dropped_where_it_is_lost(self):
        holder = self.holder(loss=100)
        self.assertEqual(self.told(holder, 7), [(hold.DROP, 7)])
        self.assertEqual((holder.count["packets"], holder.count["lost"]), (1, 1))

    def test_is_lost_as_often_as_is_wished_and_the_same_ones_for_the_same_seed(self):
        def lost(seed):
            holder = self.holder(seed, loss=30)
            return [number for number in range(2_000) if self.told(holder, number) == [(hold.DROP, number)]]

        self.assertEqual(lost(5), lost(5))
        self.assertNotEqual(lost(5), lost(6))
        # Five standard deviations.
        self.assertLess(abs(len(lost(5)) - 600), 103)

    def test_waits_for_its_delay_and_no_longer(self):
        holder = self.holder(delay=50)
        self.assertEqual(self.told(holder, 1, now=1.0), [])
        self.assertEqual(self.told(holder, 2, now=1.01), [])
        self.assertEqual((holder.count["delayed"], holder.next_due()), (2, 1.05))
        self.assertEqual(holder.due(1.049), [])
        self.assertEqual([verdicts(told)[0][1:3] for told in holder.due(1.05)], [(hold.REPEAT, 1)])
        self.assertEqual([verdicts(told)[0][1:3] for told in holder.due(9.0)], [(hold.REPEAT, 2)])
        self.assertIsNone(holder.next_due())

    def test_keeps_its_place_among_those_that_are_due_at_the_same_moment(self):
        holder = self.holder(delay=50)
        # As bytes the third message is the smallest: numbers of packets are no order.
        for number in (300, 20, 1):
            holder.arrive(packet(number), 1.0)
        self.assertEqual([verdicts(told)[0][2] for told in holder.due(2.0)], [300, 20, 1])

    def test_has_a_jitter_of_its_own_in_the_wanted_distribution(self):
        holder = self.holder(delay=50, jitter=20)
        uniform = [holder.seconds() for _ in range(2_000)]
        self.assertTrue(all(0.030 <= seconds <= 0.070 for seconds in uniform))
        self.assertGreater(max(uniform) - min(uniform), 0.038)
        holder = self.holder(delay=50, jitter=20, distribution="normal")
        normal = [holder.seconds() for _ in range(2_000)]
        self.assertLess(abs(sum(normal) / 2_000 - 0.050), 0.0025)
        # A third is further away than one standard deviation, and nothing of a uniform one would be.
        self.assertLess(abs(sum(abs(seconds - 0.050) > 0.020 for seconds in normal) - 635), 110)

    def test_waits_for_a_jitter_without_a_delay_too(self):
        holder = self.holder(jitter=20)
        self.assertEqual(self.told(holder), [])
        self.assertEqual(holder.count["delayed"], 1)

    def test_is_sent_at_once_while_others_wait_where_it_is_reordered(self):
        holder = self.holder(delay=50, reorder=100)
        self.assertEqual(self.told(holder, 4), [(hold.REPEAT, 4)])
        self.assertEqual((holder.count["reordered"], holder.count["delayed"]), (1, 0))

    def test_is_overtaken_by_the_next_of_its_own_direction_where_nothing_is_delayed(self):
        holder = self.holder(reorder=100)
        self.assertEqual(self.told(holder, 1, hook=1), [])
        self.assertEqual(self.told(holder, 2, hook=3), [])
        self.assertEqual(self.told(holder, 3, hook=1), [(hold.REPEAT, 3), (hold.REPEAT, 1)])
        self.assertEqual(holder.next_due(), hold.SWAP_SECONDS)
        self.assertEqual(holder.due(hold.SWAP_SECONDS / 2), [])
        self.assertEqual([verdicts(told)[0][2] for told in holder.due(hold.SWAP_SECONDS)], [2])

    def test_is_marked_where_it_is_doubled_so_that_the_rules_make_one_copy(self):
        holder = self.holder(duplicate=100)
        [(queue, verdict, number, attributes)] = verdicts(holder.arrive(packet(9, mark=0x7), 0))
        self.assertEqual((queue, verdict, number), (NUMBER, hold.REPEAT, 9))
        self.assertEqual(attributes, {hold.MARK: struct.pack("!I", 0x40000007)})
        [(_, _, _, unmarked)] = verdicts(holder.arrive(packet(9), 0))
        self.assertEqual(unmarked, {hold.MARK: struct.pack("!I", 0x40000000)})
        self.assertEqual(holder.count["duplicated"], 2)

    def test_that_is_a_copy_ends_in_the_second_queue_and_does_not_count(self):
        holder = self.holder(loss=100, delay=50)
        [(queue, verdict, number, _)] = verdicts(holder.arrive(packet(9, queue=NUMBER + 1), 0))
        self.assertEqual((queue, verdict, number), (NUMBER + 1, hold.DROP, 9))
        self.assertEqual(set(holder.count.values()), {0})

    def test_comes_back_with_a_flaw_where_it_is_damaged(self):
        holder = self.holder(corrupt=100)
        [(_, verdict, number, attributes)] = verdicts(holder.arrive(packet(9, payload=tcp(b"hello")), 0))
        self.assertEqual((verdict, number, set(attributes)), (hold.REPEAT, 9, {hold.PAYLOAD}))
        self.assertEqual(bits(attributes[hold.PAYLOAD], tcp(b"hello")), 1)
        self.assertEqual(holder.count["corrupted"], 1)

    def test_that_came_cut_short_is_not_changed(self):
        holder = self.holder(corrupt=100)
        [(_, _, _, attributes)] = verdicts(holder.arrive(packet(9, payload=tcp(b"hello"), cut=True), 0))
        self.assertEqual((attributes, holder.count["corrupted"]), ({}, 0))

    def test_may_be_late_doubled_and_damaged_at_once(self):
        holder = self.holder(delay=50, duplicate=100, corrupt=100)
        self.assertEqual(holder.arrive(packet(9, payload=udp), 0), b"")
        [told] = holder.due(1)
        self.assertEqual(set(verdicts(told)[0][3]), {hold.MARK, hold.PAYLOAD})


class TheHolder(OnPaper):
    def noted(self):
        return pathlib.Path(self.state).read_text()

    def test_notes_what_it_did_and_holds_and_only_what_is_new(self):
        holder = self.holder(delay=50)
        holder.note(1.0)
        self.assertEqual(self.noted(), '"packets":0,"delayed":0,"lost":0,"duplicated":0,"reordered":0,"corrupted":0,"held":0')
        os.remove(self.state)
        holder.note(2.0)
        self.assertFalse(os.path.exists(self.state))
        self.assertEqual(holder.told_at, 2.0)
        holder.arrive(packet(1), 2.0)
        holder.note(3.0)
        self.assertIn('"delayed":1', self.noted())
        self.assertIn('"held":1', self.noted())
        self.assertEqual(os.listdir(os.path.dirname(self.state)), ["state.json"])

    def test_tells_the_kernel_many_verdicts_at_once(self):
        holder = self.holder()
        ready = [holder.arrive(packet(number), 0) for number in range(300)]
        holder.tell(ready)
        sent = holder.queue.socket.sent
        self.assertEqual([len(verdicts(told)) for told in sent], [128, 128, 44])
        self.assertEqual([number for told in sent for _, _, number, _ in verdicts(told)], list(range(300)))

    def test_takes_what_has_come_in_turns_and_nothing_but_packets(self):
        holder = self.holder()
        other = hold.message(hold.CONFIG, 0, NUMBER, b"")
        holder.queue.socket.answers = [other] + [packet(number) for number in range(hold.DRAIN)]
        first, empty = holder.drain(0)
        self.assertEqual((len(first), empty), (hold.DRAIN - 1, False))
        rest, empty = holder.drain(0)
        self.assertEqual((len(rest), empty), (1, True))

    def play(self, holder, happenings):
        """Runs it while these happen, (when, packets); the last is its end. Returns (when, packets told of)."""
        clock, log, coming = [0.0], [], sorted(happenings.items())
        kernel, stop = holder.queue.socket, object()
        plain = kernel.send
        kernel.send = lambda told: told and (plain(told), log.append((round(clock[0], 3), [each[2] for each in verdicts(told)])))

        def select(sockets, _writing, _failing, timeout):
            self.assertEqual(sockets, [kernel, stop])
            if timeout is None or coming[0][0] <= clock[0] + timeout:
                at, numbers = coming.pop(0)
                clock[0] = max(clock[0], at)
                kernel.answers += [packet(number) for number in numbers]
                return [kernel, *([] if coming else [stop])], [], []
            clock[0] += timeout
            return [], [], []

        self.addCleanup(setattr, hold, "time", hold.time)
        self.addCleanup(setattr, hold, "select", hold.select)
        hold.time, hold.select = types.SimpleNamespace(monotonic=lambda: clock[0]), types.SimpleNamespace(select=select)
        holder.run(stop)
        return log

    def test_lets_each_go_when_it_is_due(self):
        holder = self.holder(delay=50)
        self.assertEqual(self.play(holder, {1.0: [1], 1.02: [2, 3], 9.0: []}), [(1.05, [1]), (1.07, [2, 3])])
        # Counters are a tenth of a second late at most, and the last are written too.
        self.assertIn('"packets":3,"delayed":3', self.noted())
        self.assertIn('"held":0', self.noted())

    def test_lets_go_of_everything_at_its_end_what_is_held_and_what_has_just_come(self):
        holder = self.holder(delay=30_000)
        self.assertEqual(self.play(holder, {1.0: [1], 2.0: [2, 3]}), [(2.0, [1, 2, 3])])

    def test_answers_at_once_what_need_not_wait(self):
        self.assertEqual(self.play(self.holder(), {1.0: [1, 2], 2.0: [3]}), [(1.0, [1, 2]), (2.0, [3])])


class TheProgram(unittest.TestCase):
    def test_says_why_it_did_not_start(self):
        # Whoever is root gives that up first, for the kernel would let it have the queue.
        script = (
            f"import os, sys; sys.dont_write_bytecode = True; sys.path.insert(0, {str(pathlib.Path(__file__).parent)!r}); from hold_test import hold\n"
            "os.getuid() or (os.setgid(65534), os.setuid(65534))\n"
            "hold.main()"
        )
        wish = "queue=5100 delay=1 jitter=0 distribution=uniform loss=0 duplicate=0 reorder=0 corrupt=0 seed=1 duplicated=0x40000000"
        ended = subprocess.run(
            [sys.executable, "-c", script, "slotquake-hold=test=", *wish.split(), "state=/nowhere/state.json"],
            capture_output=True,
            text=True,
        )
        self.assertEqual(ended.returncode, 1)
        self.assertRegex(ended.stderr, r"the packet holder did not start: .*queue 5100: Operation not permitted")


if __name__ == "__main__":
    unittest.main()
