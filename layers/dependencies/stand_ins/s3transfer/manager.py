"""The part of s3transfer.manager that boto3.compat needs on import."""


class TransferConfig:
    UNSET_DEFAULT = None
