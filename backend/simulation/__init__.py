"""The whole engine with simulated annotators, through the real services, jobs and storage."""
