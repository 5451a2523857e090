"""What boto3.compat asks of s3transfer.manager when it is imported."""


class TransferConfig:
    UNSET_DEFAULT = None
