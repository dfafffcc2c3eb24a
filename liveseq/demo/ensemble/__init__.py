"""Music composed for General MIDI instruments and rendered through a soundfont: to learn from, every note known."""
