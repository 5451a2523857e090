"""Replaces s3transfer: no function transfers files to or from S3."""
