"""The hosted page where shoppers pay: server-rendered, usable without JavaScript."""
