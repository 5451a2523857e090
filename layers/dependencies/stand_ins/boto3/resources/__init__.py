"""Replaces boto3's resources: only clients are used."""
