"""A filter for the kernel: one flow's packets in both directions, and ICMP errors about what was sent.

Classic BPF (linux/filter.h, bpf(4)).  Offsets count from the IP header: the sockets are without link layer.
What an ICMP error quotes are packets of ours, which have no IP options.
"""

from __future__ import annotations

import ctypes
import socket
import struct

#: One instruction: operation, jump if true, jump if false, operand.
Instruction = tuple[int, int, int, int]
# linux/bpf_common.h, put together.
LD_W, LD_H, LD_B = 0x20, 0x28, 0x30
LD_H_X, LD_B_X, LD_W_X = 0x48, 0x50, 0x40
LDX_HEADER = 0xB1  # X <- four times the low half of a byte: an IPv4 header's length
AND, JEQ, JSET, RET = 0x54, 0x15, 0x45, 0x06
WHOLE = 0x40000
_ICMP, _ICMPV6 = 1, 58


class Program(ctypes.Structure):
    """Struct sock_fprog."""

    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))


#: Bytes of an instruction in the kernel's form.
SIZE = struct.calcsize("=HBBI")


def packed(program: list[Instruction]) -> bytes:
    """Give a program as the kernel wants it: an array of struct sock_filter."""
    return b"".join(struct.pack("=HBBI", *instruction) for instruction in program)


def flow(address: str, port: int, source_port: int, protocol: int) -> list[Instruction]:
    """Write the filter for a flow from ``source_port`` to a server, of TCP (6) or UDP (17)."""
    six = ":" in address
    packed_address = socket.inet_pton(socket.AF_INET6 if six else socket.AF_INET, address)
    words = [w for (w,) in struct.iter_unpack("!I", packed_address)]
    return (_six if six else _four)(words, port, source_port, protocol)


# A step is (operation, operand, where to go if true, if false); a name without a step is a label.
_Step = tuple[int, int, str, str]


def _assemble(steps: list[_Step | str]) -> list[Instruction]:
    labels: dict[str, int] = {}
    code: list[_Step] = []
    for step in steps:
        if isinstance(step, str):
            labels[step] = len(code)
        else:
            code.append(step)

    def jump(here: int, label: str) -> int:
        return labels[label] - here - 1 if label else 0

    return [(op, jump(i, true), jump(i, false), operand) for i, (op, operand, true, false) in enumerate(code)]


def _test(load: int, offset: int, value: int, true: str, false: str) -> list[_Step | str]:
    return [(load, offset, "", ""), (JEQ, value, true, false)]


def _same(words: list[int], at: int, true: str, false: str, name: str) -> list[_Step | str]:
    """Compare an address at an offset, word by word."""
    steps: list[_Step | str] = []
    for number, word in enumerate(words):
        last = number == len(words) - 1
        onward = true if last else f"{name}{number}"
        steps += _test(LD_W, at + 4 * number, word, onward, false)
        if not last:
            steps.append(onward)
    return steps


_END: list[_Step | str] = ["yes", (RET, WHOLE, "", ""), "no", (RET, 0, "", "")]


def _four(words: list[int], port: int, source_port: int, protocol: int) -> list[Instruction]:
    both = source_port << 16 | port
    return _assemble([
        (LD_B, 0, "", ""), (AND, 0xF0, "", ""), (JEQ, 0x40, "family", "no"), "family",
        (LDX_HEADER, 0, "", ""),
        *_test(LD_B, 9, _ICMP, "icmp", "other"), "other", (JEQ, protocol, "transport", "no"),
        # What is not a first fragment has no ports.
        "transport", (LD_H, 6, "", ""), (JSET, 0x1FFF, "no", "whole"), "whole",
        *_test(LD_W, 12, words[0], "from", "not_from"),
        "from", *_test(LD_W_X, 0, port << 16 | source_port, "yes", "not_from"), "not_from",
        *_test(LD_W, 16, words[0], "to", "no"),
        "to", *_test(LD_W_X, 0, both, "yes", "no"),
        "icmp", *_test(LD_B_X, 0, 11, "error", "not_expired"), "not_expired", (JEQ, 3, "error", "no"),
        "error", *_test(LD_B_X, 8 + 9, protocol, "quoted", "no"),
        "quoted", *_test(LD_W_X, 8 + 16, words[0], "ports", "no"),
        "ports", *_test(LD_W_X, 8 + 20, both, "yes", "no"),
        *_END,
    ])  # fmt: skip


def _six(words: list[int], port: int, source_port: int, protocol: int) -> list[Instruction]:
    both = source_port << 16 | port
    return _assemble([
        (LD_B, 0, "", ""), (AND, 0xF0, "", ""), (JEQ, 0x60, "family", "no"), "family",
        *_test(LD_B, 6, _ICMPV6, "icmp", "other"), "other", (JEQ, protocol, "source", "no"),
        "source", *_same(words, 8, "from", "target", "s"),
        "from", *_test(LD_W, 40, port << 16 | source_port, "yes", "target"),
        "target", *_same(words, 24, "to", "no", "d"),
        "to", *_test(LD_W, 40, both, "yes", "no"),
        "icmp", *_test(LD_B, 40, 3, "error", "not_expired"), "not_expired", (JEQ, 1, "error", "no"),
        "error", *_test(LD_B, 48 + 6, protocol, "quoted", "no"),
        "quoted", *_same(words, 48 + 24, "ports", "no", "q"),
        "ports", *_test(LD_W, 48 + 40, both, "yes", "no"),
        *_END,
    ])  # fmt: skip


def passes(program: list[Instruction], packet: bytes) -> bool:
    """Run a program as the kernel would: for packets that no kernel carries, and for tests."""
    sizes = {LD_W: 4, LD_H: 2, LD_B: 1, LD_W_X: 4, LD_H_X: 2, LD_B_X: 1}
    a = x = at = 0
    while True:
        op, true, false, k = program[at]
        at += 1
        if op == RET:
            return k > 0
        if op in sizes:
            start = k + (x if op in (LD_W_X, LD_H_X, LD_B_X) else 0)
            if start + sizes[op] > len(packet):
                return False
            a = int.from_bytes(packet[start : start + sizes[op]], "big")
        elif op == LDX_HEADER:
            if k >= len(packet):
                return False
            x = (packet[k] & 15) << 2
        elif op == AND:
            a &= k
        else:
            at += true if (a == k if op == JEQ else a & k) else false
