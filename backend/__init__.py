"""Maskmill's server: rules, database, storage, services, HTTP interface and command line."""

__version__ = "0.1.0"
