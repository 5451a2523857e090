"""The hosted page where shoppers pay. It is rendered by the server and works without scripts."""
