"""A set: what each message means for sequencer and engine, and its log."""
