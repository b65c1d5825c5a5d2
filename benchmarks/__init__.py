"""Claims of speed as commands: each names its peer, runs both in one run, and ends with one JSON line a comparison."""
