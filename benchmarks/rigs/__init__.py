"""What benchmarks run on: JACK servers, started processes."""
