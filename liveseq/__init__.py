"""liveseq: tag in, endless sequenced sound out. See docs/architecture.md."""

__version__ = "0.1.0"
