"""Rules that template.yaml keeps, read from the file itself."""

import json
import re
from typing import Any

import yaml

from checkout.api.routes import ROUTES
from devstack.template import load_template
from tests.policies import Loader
from tests.roots import ROOT

TEMPLATE: dict[str, Any] = yaml.load((ROOT / "template.yaml").read_text(), Loader)
GLOBALS = TEMPLATE["Globals"]["Function"]


def of_type(kind: str) -> dict[str, dict[str, Any]]:
    resources = TEMPLATE["Resources"].items()
    return {name: each["Properties"] for name, each in resources if each["Type"] == kind}


FUNCTIONS = of_type("AWS::Serverless::Function")


def sources(kind: str) -> list[dict[str, Any]]:
    return [
        event["Properties"]
        for function in FUNCTIONS.values()
        for event in function["Events"].values()
        if event["Type"] == kind
    ]


def test_every_handler_folder_is_a_function_and_the_other_way_round() -> None:
    folders = {str(file.parent.relative_to(ROOT)) for file in ROOT.glob("functions/*/*/handler.py")}

    assert {function["CodeUri"] for function in FUNCTIONS.values()} == folders


def test_one_function_has_one_endpoint() -> None:
    """The page has two addresses: one for each dialect's sessions."""
    routes = load_template(ROOT / "template.yaml").routes
    paths: dict[str, set[str]] = {}
    for route in routes:
        paths.setdefault(route.function, set()).add(route.path)

    assert {name: found for name, found in paths.items() if len(found) > 1} == {
        "ShowPage": {"/checkout/{id}", "/c/{id}"},
        "PayPage": {"/checkout/{id}", "/c/{id}"},
    }
    assert len(routes) == len(paths) + 2


def test_the_routes_that_are_refused_by_method_are_the_templates() -> None:
    by_path: dict[str, set[str]] = {}
    for route in load_template(ROOT / "template.yaml").routes:
        if route.path.startswith("/v1"):
            by_path.setdefault(route.path, set()).add(route.method)

    assert {path.replace("{id}", "[^/]+"): ", ".join(sorted(m)) for path, m in by_path.items()} == {
        pattern: methods for methods, pattern in ROUTES
    }


def test_every_function_has_a_log_group_that_forgets() -> None:
    groups = of_type("AWS::Logs::LogGroup")
    for name, function in FUNCTIONS.items():
        group = function["LoggingConfig"]["LogGroup"]["Ref"]
        assert group == f"{name}Logs"
    assert all("RetentionInDays" in group for group in groups.values())


def test_every_function_has_a_policy_of_its_own_without_wildcards() -> None:
    for name, function in FUNCTIONS.items():
        for policy in function["Policies"]:
            for statement in policy["Statement"]:
                assert "*" not in json.dumps(statement), name
                assert statement["Effect"] == "Allow"


def test_the_table_is_kept_protected_and_encrypted() -> None:
    table = TEMPLATE["Resources"]["Table"]

    assert (table["DeletionPolicy"], table["UpdateReplacePolicy"]) == ("Retain", "Retain")
    properties = table["Properties"]
    assert properties["DeletionProtectionEnabled"] is True
    assert properties["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"] is True
    assert properties["SSESpecification"]["SSEEnabled"] is True
    assert properties["BillingMode"] == "PAY_PER_REQUEST"
    assert properties["TimeToLiveSpecification"] == {"AttributeName": "ttl", "Enabled": True}
    assert properties["StreamSpecification"]["StreamViewType"] == "NEW_AND_OLD_IMAGES"
    assert len(properties["GlobalSecondaryIndexes"]) == 3


def test_a_poison_record_neither_stops_a_shard_nor_vanishes() -> None:
    mappings = sources("DynamoDB")
    assert len(mappings) == 2
    for mapping in mappings:
        assert mapping["BisectBatchOnFunctionError"] is True
        assert 0 < mapping["MaximumRetryAttempts"] <= 10
        assert 0 < mapping["MaximumRecordAgeInSeconds"] <= 86_400
        assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
        assert mapping["DestinationConfig"]["OnFailure"]["Type"] == "SQS"
        assert mapping["StartingPosition"] == "TRIM_HORIZON"
        assert mapping["FilterCriteria"]["Filters"]


def test_every_source_queue_has_a_dlq_and_every_end_of_the_line_an_alarm() -> None:
    queues = of_type("AWS::SQS::Queue")
    alarmed = {
        alarm["Dimensions"][0]["Value"]["GetAtt"].split(".")[0]
        for alarm in of_type("AWS::CloudWatch::Alarm").values()
        if alarm["MetricName"] == "ApproximateNumberOfMessagesVisible"
    }
    ends = {name for name, queue in queues.items() if "RedrivePolicy" not in queue}

    for source in sources("SQS"):
        queue = queues[source["Queue"]["GetAtt"].split(".")[0]]
        assert queue["RedrivePolicy"]["maxReceiveCount"] >= 2
    assert ends == alarmed


def test_a_queue_hides_a_message_six_times_as_long_as_its_function_may_take() -> None:
    queue = of_type("AWS::SQS::Queue")["DeliveryQueue"]

    assert queue["VisibilityTimeout"] >= 6 * FUNCTIONS["SendWebhook"]["Timeout"]


def test_functions_give_up_before_their_caller_does() -> None:
    """API Gateway's HTTP API waits 30 seconds; the scheduler comes every minute."""
    for name, function in FUNCTIONS.items():
        kinds = {event["Type"] for event in function["Events"].values()}
        timeout = function.get("Timeout", GLOBALS["Timeout"])
        assert timeout < (30 if "HttpApi" in kinds else 60), name


def test_the_webhook_senders_patience_fits_its_functions_timeout() -> None:
    from checkout.webhooks.egress import TOTAL_SECONDS

    assert FUNCTIONS["SendWebhook"]["Timeout"] > TOTAL_SECONDS + 10


def test_a_deployed_stack_never_allows_local_endpoints() -> None:
    assert "ALLOW_LOCAL_ENDPOINTS" not in (ROOT / "template.yaml").read_text()


def test_the_api_is_throttled_and_its_log_holds_no_path() -> None:
    (api,) = of_type("AWS::Serverless::HttpApi").values()

    assert api["DefaultRouteSettings"]["ThrottlingRateLimit"]
    log = api["AccessLogSettings"]["Format"]
    assert "requestId" in log
    assert not re.search(r"context\.(path|authorizer|http)", log)


def test_the_three_stages_are_configured() -> None:
    import tomllib

    stages = tomllib.loads((ROOT / "samconfig.toml").read_text())

    assert {name for name in stages if name != "version"} == {"dev", "staging", "prod"}
    assert (
        len(
            {
                stages[name]["global"]["parameters"]["stack_name"]
                for name in stages
                if name != "version"
            }
        )
        == 3
    )
