"""Where bytes live: a local directory or any S3-compatible store, behind one port."""
