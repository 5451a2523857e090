"""Rules that template.yaml keeps, read from what SAM makes of it."""

import json
import re
import tomllib

from checkout.api.routes import ROUTES
from devstack.template import load_template
from tests.roots import ROOT
from tests.template.transformed import (
    RESOURCES,
    SOURCE,
    TEMPLATE,
    Json,
    inline_statements,
    of_type,
    referenced,
    role_of,
    routes,
)

FUNCTIONS = of_type("Lambda::Function")
MAPPINGS = of_type("Lambda::EventSourceMapping")
QUEUES = of_type("SQS::Queue")
ALARMS = of_type("CloudWatch::Alarm")
DEVSTACK = load_template(ROOT / "template.yaml")


def folder_of(function: str) -> str:
    folder: str = FUNCTIONS[function]["Code"]["S3Key"]
    return folder


def source_of(mapping: Json) -> str:
    return referenced(mapping["EventSourceArn"])


def queue_mappings() -> list[Json]:
    return [mapping for mapping in MAPPINGS.values() if source_of(mapping) in QUEUES]


def stream_mappings() -> list[Json]:
    return [mapping for mapping in MAPPINGS.values() if source_of(mapping) not in QUEUES]


# ------------------------------------------------------------ functions and routes


def test_handler_folders_and_functions_correspond() -> None:
    folders = {str(file.parent.relative_to(ROOT)) for file in ROOT.glob("functions/*/*/handler.py")}

    assert sorted(map(folder_of, FUNCTIONS)) == sorted(folders)


def test_every_function_has_one_path_and_the_pages_functions_two() -> None:
    """The page has two addresses: one for each dialect's sessions."""
    paths: dict[str, set[str]] = {}
    for (_, path), function in routes().items():
        paths.setdefault(function, set()).add(path)

    assert {name: found for name, found in paths.items() if len(found) > 1} == {
        "ShowPage": {"/checkout/{id}", "/c/{id}"},
        "PayPage": {"/checkout/{id}", "/c/{id}"},
    }
    shown = [path for method, path in routes() if method == "HEAD"]
    assert sorted(shown) == ["/c/{id}", "/checkout/{id}", "/simulator/{id}"]
    assert len(routes()) == len(paths) + 2 + len(shown)


def test_devstack_reads_the_routes_that_sam_deploys() -> None:
    assert {(each.method, each.path): each.function for each in DEVSTACK.routes} == routes()


def test_devstack_reads_the_function_settings_that_sam_deploys() -> None:
    assert {
        name: (str(each.folder.relative_to(ROOT)), each.timeout, each.memory)
        for name, each in DEVSTACK.functions.items()
    } == {
        name: (folder_of(name), each["Timeout"], each["MemorySize"])
        for name, each in FUNCTIONS.items()
    }


def test_the_routes_with_a_405_are_those_of_the_template() -> None:
    """A path has the methods of a more general path too: `/v1/events/resend` has GET."""
    patterns = [
        (method, path.replace("{id}", "[^/]+"))
        for method, path in routes()
        if path.startswith("/v1")
    ]

    def methods_of(path: str) -> str:
        example = path.replace("[^/]+", "x")
        return ", ".join(sorted({each for each, other in patterns if re.fullmatch(other, example)}))

    expected = {path: methods_of(path) for _, path in patterns}
    assert expected == {pattern: methods for methods, pattern in ROUTES}


def test_functions_time_out_before_their_caller() -> None:
    """API Gateway's HTTP API waits 30 seconds, and the scheduler invokes every minute."""
    for name, function in FUNCTIONS.items():
        assert function["Timeout"] < (30 if name in routes().values() else 60), name


def test_the_api_is_throttled_and_its_log_holds_no_path() -> None:
    (stage,) = of_type("ApiGatewayV2::Stage").values()

    assert stage["DefaultRouteSettings"]["ThrottlingRateLimit"] == {"Ref": "ThrottlingRate"}
    assert stage["DefaultRouteSettings"]["ThrottlingBurstLimit"] == {"Ref": "ThrottlingBurst"}
    log = stage["AccessLogSettings"]["Format"]
    assert "requestId" in log
    assert not re.search(r"context\.(path|authorizer|http)", log)


def test_a_deployed_stack_never_allows_local_endpoints() -> None:
    assert "ALLOW_LOCAL_ENDPOINTS" not in (ROOT / "template.yaml").read_text()


# ------------------------------------------------------------------------ logs


def test_every_log_group_has_a_retention() -> None:
    for name, group in of_type("Logs::LogGroup").items():
        assert group["RetentionInDays"] == {"Ref": "LogRetentionDays"}, name


def test_each_family_of_functions_has_a_log_group_of_its_own() -> None:
    """A family is a folder of functions/."""
    groups: dict[str, set[str]] = {}
    for name, function in FUNCTIONS.items():
        group = referenced(function["LoggingConfig"]["LogGroup"])
        groups.setdefault(folder_of(name).split("/")[1], set()).add(group)

    assert all(len(each) == 1 for each in groups.values()), groups
    written = [group for each in groups.values() for group in each]
    (stage,) = of_type("ApiGatewayV2::Stage").values()
    access_log = referenced(stage["AccessLogSettings"]["DestinationArn"])
    assert sorted([*written, access_log]) == sorted(of_type("Logs::LogGroup"))


def test_functions_log_json() -> None:
    for name, function in FUNCTIONS.items():
        assert function["LoggingConfig"]["LogFormat"] == "JSON", name


# -------------------------------------------------------------------- policies

LOGS, TRACES, STREAM, QUEUE = (
    "service-role/AWSLambdaBasicExecutionRole",
    "AWSXrayWriteOnlyAccess",
    "service-role/AWSLambdaDynamoDBExecutionRole",
    "service-role/AWSLambdaSQSQueueExecutionRole",
)


def test_every_function_has_a_role_of_its_own() -> None:
    roles = [role_of(name) for name in FUNCTIONS]

    assert len(set(roles)) == len(roles)


def test_no_inline_statement_has_a_wildcard() -> None:
    for role in of_type("IAM::Role"):
        for statement in inline_statements(role):
            assert "*" not in json.dumps(statement), role
            assert statement["Effect"] == "Allow", role


def test_a_role_has_its_functions_policies_and_what_its_triggers_need() -> None:
    """SAM adds the managed policies for logs, traces and sources, and one for failed records."""
    for name in FUNCTIONS:
        (policy,) = SOURCE["Resources"][name]["Properties"]["Policies"]
        sources = {
            source_of(each): each
            for each in MAPPINGS.values()
            if referenced(each["FunctionName"]) == name
        }
        failed_records = [
            each["DestinationConfig"]["OnFailure"]["Destination"]
            for each in sources.values()
            if "DestinationConfig" in each
        ]
        added = [
            {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": queue}
            for queue in failed_records
        ]
        assert inline_statements(role_of(name)) == policy["Statement"] + added, name
        triggers = {QUEUE if source in QUEUES else STREAM for source in sources}
        managed = RESOURCES[role_of(name)]["Properties"]["ManagedPolicyArns"]
        policies = {arn.removeprefix("arn:aws:iam::aws:policy/") for arn in managed}
        assert policies == {LOGS, TRACES, *triggers}, name


# ------------------------------------------------------------ the table, queues


def test_the_table_is_kept_protected_and_encrypted() -> None:
    table = RESOURCES["Table"]

    assert (table["DeletionPolicy"], table["UpdateReplacePolicy"]) == ("Retain", "Retain")
    properties = table["Properties"]
    assert properties["DeletionProtectionEnabled"] is True
    assert properties["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"] is True
    assert properties["SSESpecification"]["SSEEnabled"] is True
    assert properties["BillingMode"] == "PAY_PER_REQUEST"
    assert properties["TimeToLiveSpecification"] == {"AttributeName": "ttl", "Enabled": True}
    assert properties["StreamSpecification"]["StreamViewType"] == "NEW_AND_OLD_IMAGES"
    assert len(properties["GlobalSecondaryIndexes"]) == 3


def test_every_event_source_reports_batch_item_failures_and_has_a_failure_destination() -> None:
    assert len(MAPPINGS) == 5
    for name, mapping in MAPPINGS.items():
        assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"], name
        if source_of(mapping) in QUEUES:
            redrive = QUEUES[source_of(mapping)]["RedrivePolicy"]
            assert redrive["maxReceiveCount"] >= 2, name
            destination = redrive["deadLetterTargetArn"]
        else:
            destination = mapping["DestinationConfig"]["OnFailure"]["Destination"]
        assert referenced(destination) in QUEUES, name


def test_a_record_that_always_fails_does_not_block_its_shard() -> None:
    assert len(stream_mappings()) == 2
    for mapping in stream_mappings():
        assert mapping["BisectBatchOnFunctionError"] is True
        assert 0 < mapping["MaximumRetryAttempts"] <= 10
        assert 0 < mapping["MaximumRecordAgeInSeconds"] <= 86_400
        assert mapping["StartingPosition"] == "TRIM_HORIZON"
        assert mapping["FilterCriteria"]["Filters"]


def test_only_the_next_sweep_repeats_a_failed_sweep() -> None:
    (schedule,) = of_type("Scheduler::Schedule").values()
    (config,) = of_type("Lambda::EventInvokeConfig").values()

    assert schedule["ScheduleExpression"] == "rate(1 minute)"
    assert config["FunctionName"] == {"Ref": "DispatchTimers"}
    for retries in (schedule["Target"]["RetryPolicy"], config):
        assert retries["MaximumRetryAttempts"] == 0
        assert retries["MaximumEventAgeInSeconds"] == 60


def test_every_timer_is_sent_by_a_sweep_or_by_its_writer() -> None:
    from checkout.dispatch import LOOK_AHEAD, SOON
    from checkout.store.timers import NET_SECONDS

    sweep_seconds = 60
    # The last sweep before a timer is written has sent the timers that are due within LOOK_AHEAD.
    assert LOOK_AHEAD < SOON < NET_SECONDS
    assert sweep_seconds < LOOK_AHEAD


def test_a_queue_hides_a_message_for_six_times_its_functions_timeout() -> None:
    for mapping in queue_mappings():
        timeout = FUNCTIONS[referenced(mapping["FunctionName"])]["Timeout"]
        assert QUEUES[source_of(mapping)]["VisibilityTimeout"] >= 6 * timeout


def test_a_delivery_attempt_ends_before_its_functions_timeout() -> None:
    from checkout.store.timers import NET_SECONDS
    from checkout.webhooks.sending import LEASE_PAUSES

    longest = TEMPLATE["Parameters"]["WebhookTotalSeconds"]["MaxValue"] + sum(LEASE_PAUSES)
    timeout = FUNCTIONS["SendWebhook"]["Timeout"]

    assert timeout > longest + 10
    # Otherwise the timer sends another message while an attempt is under way.
    assert timeout < NET_SECONDS


def test_a_message_is_delayed_for_less_time_than_its_queue_or_its_alarm_allows() -> None:
    from checkout.webhooks.retry import LONGEST_WAIT

    assert ALARMS["DeliveryQueueAgeAlarm"]["Threshold"] > LONGEST_WAIT
    assert QUEUES["DeliveryQueue"]["MessageRetentionPeriod"] > LONGEST_WAIT


def test_dead_letter_queues_keep_messages_for_two_weeks() -> None:
    for name, queue in QUEUES.items():
        assert queue["SqsManagedSseEnabled"] is True, name
        if "RedrivePolicy" not in queue:
            assert queue["MessageRetentionPeriod"] == 1_209_600, name


# --------------------------------------------------------------------- alarms


def alarmed(metric: str) -> set[str]:
    """The resources with an alarm on a metric."""
    found = set()
    for alarm in ALARMS.values():
        if alarm.get("MetricName") == metric:
            (dimension,) = alarm["Dimensions"]
            found.add(referenced(dimension["Value"]))
    return found


def test_every_function_with_an_event_source_has_alarms_for_errors_and_for_age() -> None:
    from_streams = {referenced(each["FunctionName"]) for each in stream_mappings()}
    from_queues = {referenced(each["FunctionName"]) for each in queue_mappings()}
    sources = {source_of(each) for each in queue_mappings()}
    dead_letters = {name for name, queue in QUEUES.items() if "RedrivePolicy" not in queue}

    assert alarmed("Errors") == from_streams | from_queues
    assert alarmed("IteratorAge") == from_streams
    assert alarmed("ApproximateAgeOfOldestMessage") == sources
    assert alarmed("ApproximateNumberOfMessagesVisible") == dead_letters == set(QUEUES) - sources


def test_every_alarm_has_the_topic_and_an_explanation() -> None:
    operations = (ROOT / "docs/operations.md").read_text()
    for name, alarm in ALARMS.items():
        topic = {"Fn::If": ["HasTopic", {"Ref": "AlarmTopicArn"}, {"Ref": "AlarmTopic"}]}
        assert alarm["AlarmActions"] == [topic], name
        assert f"| `{name}` |" in operations, name


def test_the_alarm_topic_is_in_every_stack_and_its_subscription_is_optional() -> None:
    topic = RESOURCES["AlarmTopic"]

    assert "Condition" not in topic
    condition, subscriptions, nothing = topic["Properties"]["Subscription"]["Fn::If"]
    assert TEMPLATE["Conditions"][condition] == {
        "Fn::Not": [{"Fn::Equals": [{"Ref": "AlarmEmail"}, ""]}]
    }
    assert subscriptions == [{"Protocol": "email", "Endpoint": {"Ref": "AlarmEmail"}}]
    assert nothing == {"Ref": "AWS::NoValue"}


def test_oldest_undelivered_alarm_matches_its_metric_and_treats_missing_data_as_an_alarm() -> None:
    from checkout.log import NAMESPACE
    from checkout.sweep import OLDEST_UNDELIVERED, OVERDUE

    alarm = ALARMS["OldestUndeliveredAlarm"]

    assert (alarm["Namespace"], alarm["MetricName"]) == (NAMESPACE, OLDEST_UNDELIVERED)
    assert alarm["Dimensions"] == [{"Name": "FunctionName", "Value": {"Ref": "DispatchTimers"}}]
    assert alarm["TreatMissingData"] == "breaching"
    # A lost message is replaced in two or three minutes, which must not cause an alarm.
    assert alarm["Threshold"] > OVERDUE + 60


def test_the_alarm_about_money_for_a_person_counts_the_metric_of_every_function_that_settles() -> (
    None
):
    from checkout.log import NAMESPACE
    from checkout.processors.refunds import TASKS_ADDED

    sums, *metrics = ALARMS["MoneyForAPersonAlarm"]["Metrics"]

    assert sums["Expression"] == "SUM(METRICS())"
    found = [each["MetricStat"]["Metric"] for each in metrics]
    assert {(each["Namespace"], each["MetricName"]) for each in found} == {(NAMESPACE, TASKS_ADDED)}
    counted = {each["Dimensions"][0]["Value"]["Ref"] for each in found}
    receivers = {name for name in FUNCTIONS if name.startswith("Receive")}
    assert counted == {"AskProcessors", "ShowPage", "PayPage"} | receivers


# --------------------------------------------------------------------- stacks

NAME_PROPERTIES = {
    "AWS::ApiGatewayV2::Api": "Name",
    "AWS::CloudWatch::Alarm": "AlarmName",
    "AWS::DynamoDB::Table": "TableName",
    "AWS::IAM::Role": "RoleName",
    "AWS::Lambda::Function": "FunctionName",
    "AWS::Logs::LogGroup": "LogGroupName",
    "AWS::SNS::Topic": "TopicName",
    "AWS::SQS::Queue": "QueueName",
    "AWS::Scheduler::Schedule": "Name",
}
NAMELESS = {
    "AWS::ApiGatewayV2::Stage",
    "AWS::KMS::Key",
    "AWS::Lambda::EventInvokeConfig",
    "AWS::Lambda::EventSourceMapping",
    "AWS::Lambda::Permission",
    # Two stacks may publish versions of one layer; functions use one version.
    "AWS::Lambda::LayerVersion",
}


def test_no_resource_has_a_fixed_name() -> None:
    """Stages are stacks that can share an account and a region."""
    kinds = {resource["Type"] for resource in RESOURCES.values()}
    assert kinds == NAME_PROPERTIES.keys() | NAMELESS

    assert {
        name
        for name, resource in RESOURCES.items()
        if NAME_PROPERTIES.get(resource["Type"]) in resource.get("Properties", {})
    } == set()


def test_a_stack_has_room_below_the_limit_of_500_resources() -> None:
    assert len(RESOURCES) <= 250


def test_the_three_stages_are_configured() -> None:
    stages = tomllib.loads((ROOT / "samconfig.toml").read_text())
    del stages["version"]

    assert stages.keys() == {"dev", "staging", "prod"}
    names = {each["global"]["parameters"]["stack_name"] for each in stages.values()}
    assert len(names) == 3
