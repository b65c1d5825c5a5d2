"""The command line, one file per group; each has `register(app)`. Heavy imports stay inside the commands."""
