"""The page's texts, a module for each language, all with the same keys and placeholders."""
