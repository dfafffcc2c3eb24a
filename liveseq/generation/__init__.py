"""Generated sound, from a word to a piece in a corpus: for the generator process and for `liveseq generate`."""
