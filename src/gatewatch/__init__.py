"""gatewatch: what is blocked, how, at which hop, on every ISP or at one gate, and over whose cable."""

__version__ = "0.1.0"
