"""Commands about generators: the one that is chosen, the jobs that wait for it, the tags that grow."""
