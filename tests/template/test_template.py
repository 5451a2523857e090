"""Rules that template.yaml keeps, read from what SAM makes of it."""

import json
import re
import subprocess
import tomllib
from typing import Any

import pytest

from checkout.api.http import EDGE_KEY_HEADER, VIEWER_HEADER
from checkout.api.routes import ROUTES
from devstack.template import load_template, read_document
from tests.policies import with_feature
from tests.roots import ROOT
from tests.template.transformed import (
    RESOURCES,
    SOURCE,
    TEMPLATE,
    Json,
    function_of,
    inline_statements,
    of_type,
    referenced,
    role_of,
    routes,
    transform,
)

FUNCTIONS = of_type("Lambda::Function")
MAPPINGS = of_type("Lambda::EventSourceMapping")
QUEUES = of_type("SQS::Queue")
ALARMS = of_type("CloudWatch::Alarm")
DEVSTACK = load_template(ROOT / "template.yaml")


def folder_of(function: str) -> str:
    folder: str = FUNCTIONS[function]["Code"]["S3Key"]
    return folder


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


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


def test_rare_routes_are_throttled_below_the_stage_and_still_measured() -> None:
    (stage,) = of_type("ApiGatewayV2::Stage").values()

    assert SOURCE["Conditions"]["IsStopped"] == {"Fn::Equals": [{"Ref": "ThrottlingRate"}, 0]}
    assert set(stage["RouteSettings"]) == {
        "$default",
        "POST /v1/events/resend",
        "POST /v1/webhooks/{id}/test",
    }
    known = {each.key for each in DEVSTACK.routes}
    for route, settings in stage["RouteSettings"].items():
        assert route in known
        # A rate of 0 stops the whole API, for a restore.
        assert settings["ThrottlingRateLimit"] == {"Fn::If": ["IsStopped", 0, 20]}
        assert settings["ThrottlingBurstLimit"] == {"Fn::If": ["IsStopped", 0, 40]}
        assert settings["DetailedMetricsEnabled"] is True


def test_a_deployed_stack_limits_merchants_visitors_and_pages() -> None:
    variables = SOURCE["Globals"]["Function"]["Environment"]["Variables"]

    for name in ("MerchantRate", "VisitorRate", "PageRate"):
        variable = re.sub("(?<!^)([A-Z])", r"_\1", name).upper()
        assert variables[variable] == {"Ref": name}
        default = SOURCE["Parameters"][name]["Default"]
        assert 0 < default < SOURCE["Parameters"]["ThrottlingRate"]["Default"]


def test_a_deployed_stack_never_allows_local_endpoints() -> None:
    assert "ALLOW_LOCAL_ENDPOINTS" not in (ROOT / "template.yaml").read_text()


# ------------------------------------------------------------------------ logs


def test_every_log_group_has_a_retention() -> None:
    for name, group in of_type("Logs::LogGroup").items():
        has_addresses = name == "ApiLogs"
        setting = "AccessLogRetentionDays" if has_addresses else "LogRetentionDays"
        assert group["RetentionInDays"] == {"Ref": setting}, name


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

BOUNDARY = [
    with_feature(each)
    for each in of_type("IAM::ManagedPolicy")["Boundary"]["PolicyDocument"]["Statement"]
]


def test_every_function_has_a_role_of_its_own() -> None:
    roles = [role_of(name) for name in FUNCTIONS]

    assert len(set(roles)) == len(roles)


def test_no_statement_has_a_wildcard_as_action_or_resource() -> None:
    for role in of_type("IAM::Role"):
        for statement in inline_statements(role):
            granted = {key: statement[key] for key in ("Action", "Resource")}
            assert "*" not in json.dumps(granted), role
            assert statement["Effect"] == "Allow", role


def test_managed_policies_of_functions_grant_logs_and_traces_alone() -> None:
    logs_and_traces = re.compile(r"/(AWSLambdaBasicExecutionRole|AWSX[Rr]ay\w*Write\w*)$")
    for name in FUNCTIONS:
        for arn in RESOURCES[role_of(name)]["Properties"]["ManagedPolicyArns"]:
            assert logs_and_traces.search(arn if isinstance(arn, str) else arn["Fn::Sub"]), name


def test_no_function_may_do_more_than_the_boundary_allows() -> None:
    """It limits AWS's managed policies too. Only X-Ray, which knows no resources, has a `*`."""
    for name in FUNCTIONS:
        role = RESOURCES[role_of(name)]["Properties"]
        assert role["PermissionsBoundary"] == {"Ref": "Boundary"}, name
    everywhere = [each for each in BOUNDARY if "*" in json.dumps(each)]
    assert [each["Action"] for each in everywhere] == [
        ["xray:PutTraceSegments", "xray:PutTelemetryRecords"]
    ]


def test_the_boundary_contains_every_statement_of_a_function() -> None:
    for name in FUNCTIONS:
        for statement in inline_statements(role_of(name)):
            for action in as_list(statement["Action"]):
                for resource in as_list(statement["Resource"]):
                    assert any(
                        action in as_list(each["Action"]) and resource in as_list(each["Resource"])
                        for each in BOUNDARY
                    ), (name, action, resource)


def test_a_function_may_read_the_streams_and_queues_that_start_it_and_no_others() -> None:
    reads = {"dynamodb:GetRecords": "stream", "sqs:ReceiveMessage": "queue"}
    for name in FUNCTIONS:
        sources = [
            each["EventSourceArn"]
            for each in MAPPINGS.values()
            if function_of(each["FunctionName"]) == name
        ]
        granted = [
            each["Resource"]
            for each in inline_statements(role_of(name))
            if reads.keys() & set(as_list(each["Action"]))
        ]
        assert granted == sources, name


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


def test_a_restored_table_and_an_existing_key_can_be_used_instead() -> None:
    for resource, condition, parameter in (
        ("Table", "CreatesTable", "ExistingTable"),
        ("SecretsKey", "CreatesKey", "ExistingKey"),
    ):
        assert RESOURCES[resource]["Condition"] == condition
        assert TEMPLATE["Conditions"][condition] == {"Fn::Equals": [{"Ref": parameter}, ""]}
    variables = FUNCTIONS["ShowPage"]["Environment"]["Variables"]
    assert variables["TABLE_NAME"]["Fn::If"][2] == {"Ref": "ExistingTable"}
    assert variables["SECRETS_KEY"]["Fn::If"][2] == {"Ref": "ExistingKey"}
    for mapping in stream_mappings():
        assert mapping["EventSourceArn"]["Fn::If"][2] == {"Ref": "ExistingTableStream"}
    assert TEMPLATE["Outputs"]["TableName"]["Value"] == variables["TABLE_NAME"]


def test_nothing_names_the_stacks_own_table_or_key_without_the_condition() -> None:
    """Otherwise a stack with a restored table could not be deployed."""

    def unconditional(value: Any) -> list[Any]:
        match value:
            case {"Fn::If": ["CreatesTable" | "CreatesKey", *_]}:
                return []
            case {"Ref": "Table" | "SecretsKey"} | {"Fn::GetAtt": ["Table" | "SecretsKey", _]}:
                return [value]
            case dict():
                return [found for each in value.values() for found in unconditional(each)]
            case list():
                return [found for each in value for found in unconditional(each)]
        return []

    assert unconditional({"Resources": RESOURCES, "Outputs": TEMPLATE["Outputs"]}) == []


def test_every_event_source_reports_batch_item_failures_and_has_a_failure_destination() -> None:
    assert len(MAPPINGS) == 6
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


def test_only_the_next_scheduled_run_repeats_a_failed_one() -> None:
    schedules = of_type("Scheduler::Schedule").values()
    configs = of_type("Lambda::EventInvokeConfig").values()

    scheduled = {function_of(each["Target"]["Arn"]): each for each in schedules}
    assert {name: each["ScheduleExpression"] for name, each in scheduled.items()} == {
        "DispatchTimers": "rate(1 minute)",
        "RepairItems": "rate(1 hour)",
    }
    assert {each["FunctionName"]["Ref"] for each in configs} == scheduled.keys()
    assert all(each["Qualifier"] == "live" for each in configs)
    for retries in (*(each["Target"]["RetryPolicy"] for each in schedules), *configs):
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
        timeout = FUNCTIONS[function_of(mapping["FunctionName"])]["Timeout"]
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


OF_STACK = [{"Name": "Stack", "Value": {"Ref": "AWS::StackName"}}]


def alarmed(metric: str) -> set[str]:
    """The resources with an alarm of their own on a metric."""
    found = set()
    for alarm in ALARMS.values():
        if alarm.get("MetricName") == metric:
            (dimension,) = alarm["Dimensions"]
            found.add(referenced(dimension["Value"]))
    return found


def test_every_function_with_an_event_source_has_alarms_for_errors_and_for_age() -> None:
    from_streams = {function_of(each["FunctionName"]) for each in stream_mappings()}
    from_queues = {function_of(each["FunctionName"]) for each in queue_mappings()}
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
    assert alarm["Dimensions"] == OF_STACK
    assert alarm["TreatMissingData"] == "breaching"
    # A lost message is replaced in two or three minutes, which must not cause an alarm.
    assert alarm["Threshold"] > OVERDUE + 60


def test_an_alarm_of_ours_names_a_metric_that_the_code_logs() -> None:
    from checkout.api.http import SERVER_ERRORS
    from checkout.log import NAMESPACE
    from checkout.processors.breaker import OPENED
    from checkout.processors.refunds import TASKS_ADDED
    from checkout.receipts import GIVEN_UP
    from checkout.repairs import REPAIRS
    from checkout.sweep import LATENESS, OLDEST_UNDELIVERED

    ours = [each for each in ALARMS.values() if each.get("Namespace") == NAMESPACE]
    assert {each["MetricName"] for each in ours} == {
        *(SERVER_ERRORS, OPENED, TASKS_ADDED, REPAIRS, LATENESS, OLDEST_UNDELIVERED, GIVEN_UP),
    }
    for alarm in ours:
        kinds = [each for each in alarm["Dimensions"] if each["Name"] == "Kind"]
        assert alarm["Dimensions"] == OF_STACK + kinds
        assert len(kinds) == (alarm["MetricName"] == LATENESS)


def test_the_dashboard_shows_the_metrics_that_the_code_logs() -> None:
    from checkout import activity, receipts, repairs, sweep
    from checkout.processors import attempts, breaker, refunds

    (dashboard,) = of_type("CloudWatch::Dashboard").values()
    body = dashboard["DashboardBody"]["Fn::Sub"]

    assert len(json.loads(body)["widgets"]) == 9
    assert {*re.findall(r'MetricName=\\"(\w+)', body)} == {
        *(activity.SESSIONS, activity.DELIVERY_ATTEMPTS, attempts.ATTEMPTS, sweep.LATENESS)
    }
    for name in (repairs.REPAIRS, refunds.TASKS_ADDED, breaker.OPENED, receipts.GIVEN_UP):
        assert f'"{name}"' in body


def test_every_kind_of_timer_has_an_alarm_for_its_lateness() -> None:
    from checkout.domain.timer import TimerKind
    from checkout.sweep import LATENESS, OVERDUE

    alarms = [each for each in ALARMS.values() if each.get("MetricName") == LATENESS]
    assert {each["Dimensions"][1]["Value"] for each in alarms} == {*TimerKind}
    assert all(each["Threshold"] > OVERDUE + 60 for each in alarms)


def test_the_api_has_alarms_for_errors_and_for_the_slowest_requests() -> None:
    of_api = [each for each in ALARMS.values() if each.get("Namespace") == "AWS/ApiGateway"]

    assert {each["MetricName"] for each in of_api} == {"5xx", "Latency"}
    assert all(
        each["Dimensions"] == [{"Name": "ApiId", "Value": {"Ref": "Api"}}] for each in of_api
    )
    (slow,) = (each for each in of_api if each["MetricName"] == "Latency")
    assert slow["ExtendedStatistic"] == "p99"


def test_the_table_and_each_index_have_an_alarm_for_throttling() -> None:
    _, *metrics = ALARMS["TableThrottlesAlarm"]["Metrics"]
    watched = [each["MetricStat"]["Metric"] for each in metrics]
    found = {
        (each["MetricName"], *(of["Value"] for of in each["Dimensions"][1:])) for each in watched
    }

    names = [
        each["IndexName"] for each in RESOURCES["Table"]["Properties"]["GlobalSecondaryIndexes"]
    ]
    assert found == {
        (f"{kind}ThrottleEvents", *index)
        for kind in ("Read", "Write")
        for index in [(), *((name,) for name in names)]
    }


def test_concurrency_and_refused_invocations_have_alarms() -> None:
    assert ALARMS["ThrottlesAlarm"]["MetricName"] == "Throttles"
    used, metric = ALARMS["ConcurrencyAlarm"]["Metrics"]
    assert used["Expression"] == "100*m0/SERVICE_QUOTA(m0)"
    assert metric["MetricStat"]["Metric"]["Namespace"] == "AWS/Usage"


def test_a_production_stack_without_an_alarm_address_is_refused() -> None:
    rule = TEMPLATE["Rules"]["ProductionHasAlarmAddress"]

    assert rule["RuleCondition"] == {"Fn::Equals": [{"Ref": "Stage"}, "prod"]}
    (each,) = rule["Assertions"]
    addresses = {"Fn::Join": ["", [{"Ref": "AlarmTopicArn"}, {"Ref": "AlarmEmail"}]]}
    assert each["Assert"] == {"Fn::Not": [{"Fn::Equals": [addresses, ""]}]}
    assert "AlarmEmail" in each["AssertDescription"]


# ---------------------------------------------------------------- CloudFront


def test_cloudfront_is_made_only_for_a_certificate_and_a_domain() -> None:
    made = [each for each in RESOURCES.values() if each["Type"].startswith("AWS::CloudFront::")]

    assert [each["Condition"] for each in made] == ["HasEdge"] * 2
    has_certificate = {"Fn::Not": [{"Fn::Equals": [{"Ref": "EdgeCertificate"}, ""]}]}
    assert SOURCE["Conditions"]["HasEdge"] == {
        "Fn::And": [{"Condition": "HasDomain"}, has_certificate]
    }
    assert SOURCE["Parameters"]["EdgeCertificate"]["Default"] == ""
    rule = SOURCE["Rules"]["EdgeHasDomain"]
    assert rule["RuleCondition"] == has_certificate
    (each,) = rule["Assertions"]
    assert each["Assert"] == {"Fn::Not": [{"Fn::Equals": [{"Ref": "ApiDomain"}, ""]}]}


def test_cloudfront_caches_nothing_and_proves_itself_to_the_functions() -> None:
    (distribution,) = of_type("CloudFront::Distribution").values()
    config = distribution["DistributionConfig"]
    (origin,) = config["Origins"]

    assert config["Aliases"] == [{"Ref": "ApiDomain"}]
    assert config["WebACLId"]["Fn::If"][:2] == ["HasWebAcl", {"Ref": "EdgeWebAcl"}]
    assert origin["CustomOriginConfig"]["OriginProtocolPolicy"] == "https-only"
    condition, (header,), _ = origin["OriginCustomHeaders"]["Fn::If"]
    assert condition == "HasEdgeKey"
    assert header == {"HeaderName": EDGE_KEY_HEADER, "HeaderValue": {"Ref": "EdgeKey"}}
    caching_disabled = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
    assert config["DefaultCacheBehavior"]["CachePolicyId"] == caching_disabled
    assert {"GET", "POST", "PUT", "PATCH", "DELETE"} < set(
        config["DefaultCacheBehavior"]["AllowedMethods"]
    )
    (policy,) = of_type("CloudFront::OriginRequestPolicy").values()
    sent = policy["OriginRequestPolicyConfig"]["HeadersConfig"]
    assert [each.lower() for each in sent["Headers"]] == [VIEWER_HEADER]
    assert sent["HeaderBehavior"] == "allViewerAndWhitelistCloudFront"
    assert SOURCE["Parameters"]["EdgeKey"]["NoEcho"] is True
    variables = SOURCE["Globals"]["Function"]["Environment"]["Variables"]
    assert variables["EDGE_KEY"] == {"Fn::If": ["HasEdge", {"Ref": "EdgeKey"}, ""]}


def test_waf_counts_requests_by_address_and_keeps_no_path() -> None:
    (acl,) = read_document(ROOT / "edge/web_acl.yaml")["Resources"].values()
    properties = acl["Properties"]

    assert properties["Scope"] == "CLOUDFRONT"
    rates = [each["Statement"]["RateBasedStatement"] for each in properties["Rules"]]
    assert [each["AggregateKeyType"] for each in rates] == ["IP", "IP"]
    pages = rates[1]["ScopeDownStatement"]["RegexMatchStatement"]["RegexString"]
    paths = {path for _, path in routes() if re.match(pages, path)}
    of_page = {path for (_, path), name in routes().items() if "/page/" in folder_of(name)}
    assert paths == of_page
    for each in (properties, *properties["Rules"]):
        assert each["VisibilityConfig"]["SampledRequestsEnabled"] is False


# --------------------------------------------------------------------- stacks

NAME_PROPERTIES = {
    "AWS::ApiGatewayV2::Api": "Name",
    "AWS::CloudWatch::Dashboard": "DashboardName",
    "AWS::CloudWatch::Alarm": "AlarmName",
    "AWS::DynamoDB::Table": "TableName",
    "AWS::CodeDeploy::Application": "ApplicationName",
    "AWS::CodeDeploy::DeploymentGroup": "DeploymentGroupName",
    "AWS::IAM::ManagedPolicy": "ManagedPolicyName",
    "AWS::IAM::Role": "RoleName",
    "AWS::Lambda::Function": "FunctionName",
    "AWS::Logs::LogGroup": "LogGroupName",
    "AWS::SNS::Topic": "TopicName",
    "AWS::SQS::Queue": "QueueName",
    "AWS::Scheduler::Schedule": "Name",
}
NAMELESS = {
    "AWS::ApiGatewayV2::ApiMapping",
    "AWS::ApiGatewayV2::DomainName",
    "AWS::ApiGatewayV2::Stage",
    "AWS::CloudFront::Distribution",
    "AWS::CloudFront::OriginRequestPolicy",  # named after stack and region
    "AWS::KMS::Key",
    "AWS::Lambda::EventInvokeConfig",
    "AWS::Lambda::EventSourceMapping",
    "AWS::Lambda::Permission",
    # Two stacks may publish versions of one layer; functions use one version.
    "AWS::Lambda::LayerVersion",
    # An alias is named in its function.
    "AWS::Lambda::Alias",
    "AWS::Lambda::Version",
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


# ------------------------------------------------------------------- releases


def test_every_caller_invokes_the_alias() -> None:
    """API Gateway, the schedule and the event sources; routes() checks the API."""
    aliases = of_type("Lambda::Alias")
    assert {referenced(each["FunctionName"]) for each in aliases.values()} == set(FUNCTIONS)
    assert {each["Name"] for each in aliases.values()} == {"live"}
    for schedule in of_type("Scheduler::Schedule").values():
        assert schedule["Target"]["Arn"]["Ref"] in aliases
    for each in of_type("Lambda::Permission").values():
        assert each["FunctionName"]["Ref"] in aliases


def test_a_release_shifts_every_alias_and_is_rolled_back_by_alarms() -> None:
    groups = of_type("CodeDeploy::DeploymentGroup")
    aliases = [each for each in RESOURCES.values() if each["Type"] == "AWS::Lambda::Alias"]

    assert len(groups) == len(aliases) == len(FUNCTIONS)
    for alias in aliases:
        update = alias["UpdatePolicy"]["CodeDeployLambdaAliasUpdate"]
        assert referenced(update["DeploymentGroupName"]) in groups
    for group in groups.values():
        watched = [each["Name"]["Ref"] for each in group["AlarmConfiguration"]["Alarms"]]
        assert set(watched) <= ALARMS.keys()
        assert {"ServerErrorsAlarm", "FunctionErrorsAlarm"} <= set(watched)
        assert len(watched) <= 10  # CodeDeploy's limit
        assert "DEPLOYMENT_STOP_ON_ALARM" in group["AutoRollbackConfiguration"]["Events"]


def versions(build: str) -> dict[str, str]:
    """The logical id of each function's version in a build."""
    resources = transform(SOURCE, BuildId=build)["Resources"]
    return {
        referenced(each["Properties"]["FunctionName"]): name
        for name, each in resources.items()
        if each["Type"] == "AWS::Lambda::Version"
    }


def test_a_build_that_differs_in_a_layer_alone_makes_a_new_version_of_every_function() -> None:
    """BuildId is a digest of all that is deployed, layers included."""
    first, second = versions("1" * 64), versions("2" * 64)

    assert first.keys() == second.keys() == FUNCTIONS.keys()
    assert not {*first.values()} & {*second.values()}
    assert first == versions("1" * 64)


def test_a_stack_has_room_below_the_limit_of_500_resources() -> None:
    assert len(RESOURCES) <= 460


STAGES = ("dev", "staging", "prod")


def parameters_of_deploy(**variables: str) -> dict[str, str]:
    """The stack's parameters in what `make deploy` runs."""
    settings = [f"{name}={value}" for name, value in variables.items()]
    command = ["make", "-n", "deploy", *settings]
    printed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    (deploy,) = (line for line in printed.splitlines() if " deploy --config-env" in line)
    return dict(re.findall(r"(\w+)=(\S+)", deploy.partition("--parameter-overrides")[2]))


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("arch", ["arm64", "x86_64"])
def test_a_stack_is_deployed_for_the_processor_that_it_is_built_for(stage: str, arch: str) -> None:
    deployed = parameters_of_deploy(STAGE=stage, ARCH=arch)

    assert (deployed["Architecture"], deployed["Stage"]) == (arch, stage)
    assert deployed.keys() <= TEMPLATE["Parameters"].keys()
    assert re.fullmatch(r"[0-9a-f]{64}", deployed["BuildId"])


def test_the_pipeline_runs_targets_of_the_makefile() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for file in (ROOT / ".github/workflows").glob("*.yml"):
        run = re.findall(r"^[ -]*(?:run:)? *make ([a-z-]+)$", file.read_text(), re.MULTILINE)
        assert {*run} <= targets, file
        assert (file.name == "release.yml") == ({"preflight", "deploy", "smoke"} <= {*run})


def test_the_build_id_depends_on_processor_and_parameters() -> None:
    builds = [
        parameters_of_deploy(STAGE="prod")["BuildId"],
        parameters_of_deploy(STAGE="prod", ARCH="x86_64")["BuildId"],
        parameters_of_deploy(STAGE="staging")["BuildId"],
        parameters_of_deploy(STAGE="prod", PARAMETERS="TimerShards=64")["BuildId"],
    ]

    assert len(set(builds)) == 4
    assert builds[0] == parameters_of_deploy(STAGE="prod")["BuildId"]


def test_the_three_stages_are_configured() -> None:
    stages = tomllib.loads((ROOT / "samconfig.toml").read_text())
    del stages["version"]

    assert stages.keys() == {*STAGES}
    names = {each["global"]["parameters"]["stack_name"] for each in stages.values()}
    assert len(names) == 3
