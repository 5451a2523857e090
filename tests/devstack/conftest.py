"""A small template with functions that log their events: no failure here is the library's."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

TEMPLATE = """
Parameters:
  PageUrl: { Type: String, Default: "" }
Globals:
  Function:
    Handler: handler.handler
    Timeout: 25
    Environment:
      Variables:
        TABLE_NAME: !Ref Table
        QUEUE_URL: !Ref Jobs
        PAGE_URL: !Ref PageUrl
Resources:
  Table:
    Type: AWS::DynamoDB::Table
    Properties:
      BillingMode: PAY_PER_REQUEST
      StreamSpecification: { StreamViewType: NEW_AND_OLD_IMAGES }
      TimeToLiveSpecification: { AttributeName: ttl, Enabled: true }
      AttributeDefinitions:
        - { AttributeName: pk, AttributeType: S }
        - { AttributeName: sk, AttributeType: S }
      KeySchema:
        - { AttributeName: pk, KeyType: HASH }
        - { AttributeName: sk, KeyType: RANGE }
  Echo:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: functions/echo
      Events:
        Named: { Type: HttpApi, Properties: { Method: POST, Path: "/echo/{id}" } }
        Default: { Type: HttpApi, Properties: { Method: ANY, Path: $default } }
  Fail:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: functions/fail
      Events:
        Route: { Type: HttpApi, Properties: { Method: GET, Path: /fail } }
  LogRecords:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: functions/log_records
      Events:
        Inserted:
          Type: DynamoDB
          Properties:
            Stream: !GetAtt Table.StreamArn
            StartingPosition: TRIM_HORIZON
            BatchSize: 10
            BisectBatchOnFunctionError: true
            MaximumRetryAttempts: 3
            FunctionResponseTypes: [ReportBatchItemFailures]
            FilterCriteria:
              Filters:
                - Pattern: '{"eventName":["INSERT"],"dynamodb":{"Keys":{"pk":{"S":["thing"]}}}}'
  Expired:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: functions/expired
      Events:
        Removed:
          Type: DynamoDB
          Properties:
            Stream: !GetAtt Table.StreamArn
            StartingPosition: TRIM_HORIZON
            FilterCriteria:
              Filters:
                - Pattern: '{"eventName":["REMOVE"]}'
  Work:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: functions/work
      Events:
        Jobs:
          Type: SQS
          Properties:
            Queue: !GetAtt Jobs.Arn
            BatchSize: 1
            FunctionResponseTypes: [ReportBatchItemFailures]
  Sweep:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: functions/sweep
      Events:
        Every: { Type: ScheduleV2, Properties: { ScheduleExpression: rate(1 minute) } }
  Jobs:
    Type: AWS::SQS::Queue
    Properties:
      VisibilityTimeout: 30
      RedrivePolicy: { deadLetterTargetArn: !GetAtt Dead.Arn, maxReceiveCount: 2 }
  Dead:
    Type: AWS::SQS::Queue
"""

ECHO = """
import json
def handler(event, context):
    return {"statusCode": 201, "cookies": ["a=1", "b=2"], "body": json.dumps(event),
            "headers": {"Content-Type": "application/json", "X-Function": context.function_name}}
"""

FAIL = """
def handler(event, context):
    raise RuntimeError("expected by the test")
"""

# The functions log to a file, which survives a stack, with a line for each record.
WRITE_LOG = """
import json, os, pathlib, time
LOG = pathlib.Path(__file__).parents[2] / "log.jsonl"
def write_log(kind, content):
    with LOG.open("a") as log:
        log.write(json.dumps({"kind": kind, "content": content}) + "\\n")
"""

LOG_RECORDS = """
def handler(event, context):
    for record in event["Records"]:
        write_log("records", record)
        if "poison" in record["dynamodb"]["Keys"]["sk"]["S"]:
            return {"batchItemFailures":
                    [{"itemIdentifier": record["dynamodb"]["SequenceNumber"]}]}
    return {"batchItemFailures": []}
"""

EXPIRED = """
def handler(event, context):
    for record in event["Records"]:
        write_log("expired", record)
"""

WORK = """
def handler(event, context):
    (message,) = event["Records"]
    write_log("work", message)
    if message["body"] == "slow":
        ends_at = time.monotonic() + 20
        while not (found := '"quick"' in LOG.read_text()) and time.monotonic() < ends_at:
            time.sleep(0.01)
        write_log("quick ran meanwhile", found)
    if message["body"] == "bad":
        return {"batchItemFailures": [{"itemIdentifier": message["messageId"]}]}
    return {}
"""

SWEEP = """
def handler(event, context):
    write_log("sweep", event)
"""

FUNCTIONS = {
    "echo": ECHO,
    "fail": FAIL,
    "log_records": WRITE_LOG + LOG_RECORDS,
    "expired": WRITE_LOG + EXPIRED,
    "work": WRITE_LOG + WORK,
    "sweep": WRITE_LOG + SWEEP,
}

Read = Callable[[str], list[Any]]


@pytest.fixture
def template(tmp_path: Path) -> Path:
    path = tmp_path / "template.yaml"
    path.write_text(TEMPLATE, "utf-8")
    for name, source in FUNCTIONS.items():
        folder = tmp_path / "functions" / name
        folder.mkdir(parents=True)
        (folder / "handler.py").write_text(source, "utf-8")
    return path


@pytest.fixture
def read_log(template: Path) -> Read:
    """Reads what the functions logged, by kind."""

    def read(kind: str) -> list[Any]:
        file = template.parent / "log.jsonl"
        lines = file.read_text("utf-8").splitlines() if file.exists() else []
        entries = [json.loads(line) for line in lines]
        return [each["content"] for each in entries if each["kind"] == kind]

    return read


def wait_until(holds: Callable[[], bool], timeout: float = 60.0) -> None:
    ends_at = time.monotonic() + timeout
    while not holds():
        assert time.monotonic() < ends_at, f"not true within {timeout} s"
        time.sleep(0.01)
