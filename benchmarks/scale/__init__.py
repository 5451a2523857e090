"""How many sessions a stack carries, and how punctual its timers are: `make bench-scale`.

    units.py        what DynamoDB counts for a write, by index and partition
    life.py         the writes of each operation, measured on dynoxide
    model.py        these writes, poured into partitions and quotas
    virtual/        a virtual clock, and DynamoDB, SQS and Lambda that follow it
    timers.py       the real dispatch and worker code on these
    throttling.py   every endpoint while DynamoDB refuses calls
    due.py          ten thousand sessions that lapse in the same second, on devstack
    page.py         docs/scale.md

It needs no AWS account.
"""
