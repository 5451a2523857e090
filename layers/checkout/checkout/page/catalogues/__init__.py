"""What the page says, a module per language. A test holds their keys and placeholders together."""
