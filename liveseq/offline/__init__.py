"""A set without a device, faster than real time: render, replay, explain."""
