"""How a real Linux kernel is put in front of the lab: namespaces, a device, surroundings, the packet loop."""
