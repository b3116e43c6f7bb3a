"""The way between client and server: packets, routers, delays, losses, and the engine that moves them."""
