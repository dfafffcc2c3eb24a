"""The language of the server: packets, the one table of addresses, clients."""
