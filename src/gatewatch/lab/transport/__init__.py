"""TCP in userspace, sans-IO, for the lab's servers and for its sockets in memory."""
