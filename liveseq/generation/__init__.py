"""From a word to generated sound in a corpus: what the generator process and `liveseq generate` share."""
