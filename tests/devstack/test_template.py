"""template.yaml means to devstack what it means to SAM and CloudFormation."""

from pathlib import Path

import pytest

from devstack.template import TemplateError, load_template, resolve

REPOSITORY = Path(__file__).resolve().parents[2]


def test_each_route_has_its_function(template: Path) -> None:
    routes = load_template(template).routes
    assert {(each.key, each.function) for each in routes} == {
        ("POST /echo/{id}", "Echo"),
        ("$default", "Echo"),
        ("GET /fail", "Fail"),
    }


def test_function_properties_override_globals(template: Path) -> None:
    text = template.read_text().replace("CodeUri: functions/fail", "CodeUri: x\n      Timeout: 9")
    template.write_text(text)
    functions = load_template(template).functions
    assert (functions["Echo"].timeout, functions["Fail"].timeout) == (25, 9)
    assert functions["Echo"].folder == template.parent / "functions/echo"
    assert (functions["Echo"].module, functions["Echo"].attribute) == ("handler", "handler")


def test_stream_mapping_has_filters_batch_size_and_retries(template: Path) -> None:
    with_options, with_defaults = load_template(template).streams
    assert with_options.name == "LogRecords.Inserted"
    assert with_options.filters[0]["eventName"] == ["INSERT"]
    assert (with_options.batch_size, with_options.retries, with_options.bisect) == (10, 3, True)
    assert with_options.reports_failures
    assert with_defaults.retries_forever
    assert not with_defaults.reports_failures


def test_queue_names_its_dead_letter_queue(template: Path) -> None:
    queues = load_template(template).queues
    assert (queues["Jobs"].dead_letters, queues["Jobs"].receives) == ("Dead", 2)
    assert queues["Dead"].dead_letters is None
    assert queues["Jobs"].visibility == 30


def test_schedule_period_is_in_seconds(template: Path) -> None:
    assert [each.period for each in load_template(template).schedules] == [60]


def test_cron_schedule_is_refused(template: Path) -> None:
    template.write_text(template.read_text().replace("rate(1 minute)", "cron(0 0 * * 1 *)"))
    with pytest.raises(TemplateError, match="rate"):
        load_template(template)


def test_unsupported_event_type_is_refused(template: Path) -> None:
    template.write_text(template.read_text().replace("Type: ScheduleV2", "Type: S3"))
    with pytest.raises(TemplateError, match=r"Sweep.Every is of type S3"):
        load_template(template)


def test_invalid_yaml_is_a_template_error(template: Path) -> None:
    template.write_text("a: {")
    with pytest.raises(TemplateError, match="cannot be read"):
        load_template(template)


def test_given_parameters_replace_defaults(template: Path) -> None:
    batch = "            BatchSize: 1\n"
    scaled = batch + "            ScalingConfig: { MaximumConcurrency: !Ref Most }\n"
    declared = "Parameters:\n  Most: { Type: Number, Default: 7 }\n"
    text = template.read_text().replace("Parameters:\n", declared).replace(batch, scaled)
    template.write_text(text)
    assert [each.concurrency for each in load_template(template).queue_sources] == [7]
    given = load_template(template, {"Most": "3", "Unknown": "9"})
    assert [each.concurrency for each in given.queue_sources] == [3]
    assert "Unknown" not in given.parameters


def test_environment_resolves_references(template: Path) -> None:
    variables = load_template(template).environment({"Table": "t", "Jobs": "http://queue"})
    assert variables == {"TABLE_NAME": "t", "QUEUE_URL": "http://queue", "PAGE_URL": ""}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("plain", "plain"),
        (5, "5"),
        (True, "true"),
        ({"Ref": "Name"}, "n"),
        ({"Ref": "AWS::Region"}, "us-east-1"),
        ({"Fn::GetAtt": ["Name", "Arn"]}, "arn"),
        ({"Fn::Sub": "${Name}/${Name.Arn}/${!literal}"}, "n/arn/${!literal}"),
    ],
)
def test_value_is_resolved(value: object, expected: str) -> None:
    assert resolve(value, {"Name": "n", "Name.Arn": "arn"}) == expected


@pytest.mark.parametrize("value", [{"Ref": "Unknown"}, {"Fn::Join": ["", ["a"]]}, None])
def test_unresolvable_value_is_refused(value: object) -> None:
    with pytest.raises(TemplateError):
        resolve(value, {})


def test_project_template_is_supported() -> None:
    template = load_template(REPOSITORY / "template.yaml")
    assert [index["IndexName"] for index in template.table.definition["GlobalSecondaryIndexes"]] \
        == ["gsi1", "gsi2", "gsi3"]  # fmt: skip
    assert template.table.definition["StreamSpecification"]["StreamEnabled"] is True
    assert template.table.ttl_attribute == "ttl"
    assert {each.name for each in template.streams} == {
        "FanOutEvents.NewEvents",
        "DispatchTimers.TimeToLive",
    }
    assert template.queues["DeliveryQueue"].dead_letters == "DeadDeliveries"
    assert all(each.function in template.functions for each in template.routes)
