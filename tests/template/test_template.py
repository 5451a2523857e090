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
    """A path takes what a more general route takes as well: `/v1/events/resend`, a GET."""
    routes = [
        (route.method, route.path.replace("{id}", "[^/]+"))
        for route in load_template(ROOT / "template.yaml").routes
        if route.path.startswith("/v1")
    ]

    def methods_of(path: str) -> str:
        example = path.replace("[^/]+", "x")
        return ", ".join(sorted({each for each, other in routes if re.fullmatch(other, example)}))

    expected = {path: methods_of(path) for _, path in routes}
    assert expected == {pattern: methods for methods, pattern in ROUTES}


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
    from checkout.store.deliveries import SEND_GRACE
    from checkout.webhooks.sending import SLOT_PAUSES

    longest = TEMPLATE["Parameters"]["WebhookTotalSeconds"]["MaxValue"] + sum(SLOT_PAUSES)
    timeout = FUNCTIONS["SendWebhook"]["Timeout"]

    assert timeout > longest + 10
    assert timeout < SEND_GRACE  # or the timer would send another message for a try under way


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


ALARMS = of_type("AWS::CloudWatch::Alarm")


def alarmed(metric: str) -> set[str]:
    """What has an alarm on such a metric."""
    found = set()
    for alarm in ALARMS.values():
        if alarm["MetricName"] == metric:
            (dimension,) = alarm["Dimensions"]
            ((_, name),) = dimension["Value"].items()
            found.add(name.removesuffix(".QueueName"))
    return found


def functions_by(kind: str) -> set[str]:
    return {
        name
        for name, function in FUNCTIONS.items()
        if kind in {event["Type"] for event in function["Events"].values()}
    }


def test_every_function_behind_the_api_has_alarms_for_errors_and_for_what_waits() -> None:
    assert alarmed("Errors") == functions_by("DynamoDB") | functions_by("SQS")
    assert alarmed("IteratorAge") == functions_by("DynamoDB")
    sources_of = {each["Queue"]["GetAtt"].removesuffix(".Arn") for each in sources("SQS")}
    assert alarmed("ApproximateAgeOfOldestMessage") == sources_of
    assert alarmed("ApproximateNumberOfMessagesVisible") == set(of_type("AWS::SQS::Queue")) - (
        sources_of
    )


def test_every_alarm_tells_whoever_is_to_hear_and_is_explained() -> None:
    operations = (ROOT / "docs/operations.md").read_text()
    for name, alarm in ALARMS.items():
        assert alarm["AlarmActions"] == ALARMS["DeadDeliveriesAlarm"]["AlarmActions"], name
        assert f"| `{name}` |" in operations, name


def test_the_oldest_undelivered_event_is_what_the_sweep_says_and_silence_is_an_alarm() -> None:
    from checkout.firing import OLDEST_UNDELIVERED
    from checkout.log import NAMESPACE

    alarm = ALARMS["OldestUndeliveredAlarm"]

    assert (alarm["Namespace"], alarm["MetricName"]) == (NAMESPACE, OLDEST_UNDELIVERED)
    assert alarm["Dimensions"] == [{"Name": "FunctionName", "Value": {"Ref": "FireTimers"}}]
    assert alarm["TreatMissingData"] == "breaching"
    # A timer is fired within a minute of its time: that is no reason for an alarm.
    assert alarm["Threshold"] >= 120


def test_a_message_is_held_back_for_less_time_than_its_queue_or_its_alarm_takes() -> None:
    from checkout.webhooks.retry import LONGEST_WAIT

    assert ALARMS["DeliveryQueueAgeAlarm"]["Threshold"] > LONGEST_WAIT
    assert of_type("AWS::SQS::Queue")["DeliveryQueue"]["MessageRetentionPeriod"] > LONGEST_WAIT


def test_ends_of_the_line_keep_what_they_get_for_two_weeks() -> None:
    for name, queue in of_type("AWS::SQS::Queue").items():
        assert queue["SqsManagedSseEnabled"] is True, name
        if "RedrivePolicy" not in queue:
            assert queue["MessageRetentionPeriod"] == 1_209_600, name
