"""The one seam to sockets: TCP, TLS, UDP, name resolution and HTTP, with one translator of errors."""
