"""Runs template.yaml on this machine, without Docker or an AWS account."""
