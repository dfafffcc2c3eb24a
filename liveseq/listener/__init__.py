"""The listener process: the input device."""
