"""A corpus that is composed for General MIDI instruments and rendered by fluidsynth."""
