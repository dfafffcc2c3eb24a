"""The processes kept alive: supervisor, children, port, command line."""
