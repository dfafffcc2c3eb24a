"""The sequencer: from tag weights to events on the sample clock. Pure: no clock, no thread, no I/O."""
