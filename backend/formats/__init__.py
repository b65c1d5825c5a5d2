"""Readers and writers of data set formats: streaming, pure, without a database."""
