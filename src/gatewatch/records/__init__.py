"""What is written down: OONI's data formats as frozen records, encoded and decoded."""

from gatewatch.records.box import Box, BoxMatch, InjectedPacket
from gatewatch.records.codec import Problem, decode, dumps, encode, loads
from gatewatch.records.connect import Connect, ConnectStatus
from gatewatch.records.contrast import Contrast, ContrastEnd, ContrastTrial
from gatewatch.records.event import NetworkEvent
from gatewatch.records.habits import ResolverHabits
from gatewatch.records.handshake import Handshake
from gatewatch.records.hop import HopReply, MplsLabel, TraceBranch, TraceHop, TraceKeys, TraceLink
from gatewatch.records.intercept import Decoy, Identity, Intercept, WalkAnswer, WalkStep
from gatewatch.records.locus import LocateHop, LocateShot, Locus
from gatewatch.records.measurement import EXTENSIONS, TIME_FORMAT, Measurement, TestKeys
from gatewatch.records.middlebox import OddRequest
from gatewatch.records.pace import PacedTransfer, ThrottleKeys
from gatewatch.records.ports import PortRow
from gatewatch.records.query import Answer, Query
from gatewatch.records.quic import QuicKeys, VersionQuestion
from gatewatch.records.second import GreetingRow, ResidualWait, SecondControl
from gatewatch.records.transaction import HttpRequest, HttpResponse, Transaction

__all__ = [
    "EXTENSIONS",
    "TIME_FORMAT",
    "Answer",
    "Box",
    "BoxMatch",
    "Connect",
    "ConnectStatus",
    "Contrast",
    "ContrastEnd",
    "ContrastTrial",
    "Decoy",
    "GreetingRow",
    "Handshake",
    "HopReply",
    "HttpRequest",
    "HttpResponse",
    "Identity",
    "InjectedPacket",
    "Intercept",
    "LocateHop",
    "LocateShot",
    "Locus",
    "Measurement",
    "MplsLabel",
    "NetworkEvent",
    "OddRequest",
    "PacedTransfer",
    "PortRow",
    "Problem",
    "Query",
    "QuicKeys",
    "ResidualWait",
    "ResolverHabits",
    "SecondControl",
    "TestKeys",
    "ThrottleKeys",
    "TraceBranch",
    "TraceHop",
    "TraceKeys",
    "TraceLink",
    "Transaction",
    "VersionQuestion",
    "WalkAnswer",
    "WalkStep",
    "decode",
    "dumps",
    "encode",
    "loads",
]
