"""What a box does to a TCP flow that names a blocked host, whatever protocol named it: RST, FIN, silence."""

from __future__ import annotations

from gatewatch.lab.boxes.base import Wire
from gatewatch.lab.boxes.flow import FlowBox
from gatewatch.lab.boxes.forge import acknowledge_end, answer, release, reset
from gatewatch.lab.path.packet import ACK, FIN, Segment


class Reset(FlowBox):
    """Answers with RST."""

    def strike(self, trigger: Segment, wire: Wire) -> None:
        """Reset the client; in the path the server too, which has not seen the trigger."""
        reset(trigger, wire, both=self.description.in_path, hand=self.hand)

    def linger(self, late: Segment, wire: Wire) -> None:
        """Reset again when the client repeats itself."""
        if late.data:
            reset(late, wire, hand=self.hand)


class End(FlowBox):
    """Answers with FIN, as if the server had nothing to say."""

    def strike(self, trigger: Segment, wire: Wire) -> None:
        """End the server's side of the client's flow; in the path reset the server."""
        answer(trigger, wire, flags=FIN | ACK, hand=self.hand)
        if self.description.in_path:
            release(trigger, wire)

    def linger(self, late: Segment, wire: Wire) -> None:
        """Let the client close in peace."""
        acknowledge_end(late, wire, hand=self.hand)


class Swallow(FlowBox):
    """Swallows the trigger and everything the client sends on that connection afterwards."""

    def strike(self, trigger: Segment, wire: Wire) -> None:
        """Say nothing."""
