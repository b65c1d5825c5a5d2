"""Jobs: what runs outside the web process. Rows decide, messages only wake (see workers/job.py)."""
