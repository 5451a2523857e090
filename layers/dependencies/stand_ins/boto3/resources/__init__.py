"""Stands in for boto3's resources: clients alone are used."""
