"""The HTTP edge: parse strictly, call one service function, return. No rule of the product lives here."""
