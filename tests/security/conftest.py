from tests.web import browser, stranger

__all__ = ["browser", "stranger"]
