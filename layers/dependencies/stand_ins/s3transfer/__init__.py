"""Stands in for s3transfer: no function moves files to S3."""
