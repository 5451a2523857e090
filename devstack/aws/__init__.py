"""Stand-ins for the AWS services of template.yaml. DynamoDB itself is in `engines/`."""
