"""Two network namespaces and a bad line between them: packets come late, twice, damaged, out of
order, or not at all, as a seed says.

    link.py NAME SEED

Makes the namespaces NAME-left and NAME-right, says `ready`, and forwards. Each line of standard
input changes the weather and is answered by `ok`; the end of the input ends all of it, with one line
of counts. So nothing is left of it when the process dies that has started it.
"""

import errno
import fcntl
import heapq
import ipaddress
import os
import random
import select
import struct
import subprocess
import sys
import time

TUNSETIFF = 0x400454CA
IFF_TUN, IFF_NO_PI = 0x1, 0x1000
NAME, SEED = sys.argv[1], int(sys.argv[2])
LEFT, RIGHT = f"{NAME}-left", f"{NAME}-right"


def ip(*arguments):
    subprocess.run(["ip", *arguments], check=True)


def device(name):
    descriptor = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    request = struct.pack("16sH", name.encode(), IFF_TUN | IFF_NO_PI)
    fcntl.ioctl(descriptor, TUNSETIFF, request)
    return descriptor


def set_up(namespace, tunnel, addresses):
    ip("link", "set", tunnel, "netns", namespace)
    inside = ("-n", namespace)
    ip(*inside, "link", "set", "lo", "up")
    ip(*inside, "link", "set", tunnel, "up")
    for address in addresses:
        nodad = ["nodad"] if ":" in address else []
        ip(*inside, "addr", "add", address, "dev", tunnel, *nodad)


def clean_up():
    for namespace in (LEFT, RIGHT):
        subprocess.run(["ip", "netns", "del", namespace], stderr=subprocess.DEVNULL)


class Line:
    """One direction or the other: what is on its way, and what becomes of it."""

    def __init__(self):
        self.random = random.Random(SEED)
        self.delay = self.jitter = self.loss = self.duplicates = self.damage = 0.0
        self.holes = set()
        self.queue = []
        self.number = 0
        self.latest = {}
        self.count = dict.fromkeys(
            ("forwarded", "lost", "duplicated", "damaged", "overtaken"), 0
        )

    def obey(self, words):
        if words[0] == "weather":
            numbers = map(float, words[1:])
            self.delay, self.jitter, self.loss, self.duplicates, self.damage = numbers
        elif words[0] == "hole":
            self.holes.add(ipaddress.ip_address(words[1]).packed)
        else:
            raise ValueError(words)

    def happens(self, probability):
        return self.random.random() < probability

    def take(self, packet, to):
        version = packet[0] >> 4
        destination = packet[16:20] if version == 4 else packet[24:40]
        if destination in self.holes or self.happens(self.loss):
            self.count["lost"] += 1
            return
        copies = 1 + self.happens(self.duplicates)
        self.count["duplicated"] += copies - 1
        if self.happens(self.damage):
            # Behind the headers of both protocols, where only a checksum sees it.
            self.count["damaged"] += 1
            packet = bytearray(packet)
            packet[-1] ^= 0xFF
        for _ in range(copies):
            self.number += 1
            when = time.monotonic() + self.delay
            when += self.random.uniform(-self.jitter, self.jitter)
            heapq.heappush(self.queue, (when, self.number, to, bytes(packet)))

    def deliver(self):
        while self.queue and self.queue[0][0] <= time.monotonic():
            _, number, to, packet = heapq.heappop(self.queue)
            self.count["overtaken"] += number < self.latest.get(to, 0)
            self.latest[to] = max(number, self.latest.get(to, 0))
            try:
                os.write(to, packet)
                self.count["forwarded"] += 1
            except OSError as error:
                if error.errno not in (errno.EAGAIN, errno.EIO):
                    raise
                self.count["lost"] += 1

    def wait(self):
        if not self.queue:
            return None
        return max(0.0, self.queue[0][0] - time.monotonic())


def read_all(descriptor, most):
    for _ in range(most):
        try:
            yield os.read(descriptor, 65536)
        except BlockingIOError:
            return


def forward(left, right):
    line = Line()
    commands = b""

    def take(most):
        for here, there in ((left, right), (right, left)):
            for packet in read_all(here, most):
                line.take(packet, there)

    while True:
        readable, _, _ = select.select([left, right, 0], [], [], line.wait())
        if 0 in readable:
            more = os.read(0, 4096)
            if not more:
                return line.count
            # What was sent before the weather changes, as many as a device keeps.
            take(1000)
            *lines, commands = (commands + more).split(b"\n")
            for command in lines:
                line.obey(command.decode().split())
                print("ok", flush=True)
        else:
            # Not without end, so that what is due is delivered.
            take(64)
        line.deliver()


def main():
    # A device has a name of its own until it is in its namespace.
    tunnels = [f"{NAME[-13:]}{side}" for side in "lr"]
    ip("netns", "add", LEFT)
    ip("netns", "add", RIGHT)
    left, right = map(device, tunnels)
    set_up(LEFT, tunnels[0], ["10.98.0.1/24", "fd98::1/64", "fe80::98:1/64"])
    set_up(RIGHT, tunnels[1], ["10.98.0.2/24", "10.98.0.3/24", "fd98::2/64", "fd98::3/64", "fe80::98:2/64"])
    # The right side knows of a network behind it that it cannot reach, and says so.
    ip("-n", LEFT, "route", "add", "10.99.0.0/16", "via", "10.98.0.2")
    ip("-n", RIGHT, "route", "add", "unreachable", "10.99.0.0/16")
    forwarding = "echo 1 > /proc/sys/net/ipv4/ip_forward"
    ip("netns", "exec", RIGHT, "sh", "-c", forwarding)
    print("ready", flush=True)
    count = forward(left, right)
    print(*count.values(), flush=True)


try:
    main()
finally:
    clean_up()
