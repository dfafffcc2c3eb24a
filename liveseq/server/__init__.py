"""What keeps the processes alive: supervisor, children, port, command line."""
