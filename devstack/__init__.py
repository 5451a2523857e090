"""Runs template.yaml on this machine, without Docker or an AWS account.

`stack.py` puts the parts together: `aws/` stands in for AWS services, `engines/` provides the
DynamoDB, `cli/` is the command line, `fixtures/` holds demo accounts and sample objects, and
`fakes/` stands in for payment processors.
"""
