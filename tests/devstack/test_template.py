"""template.yaml is read as SAM and CloudFormation would read it."""

from pathlib import Path

import pytest

from devstack.template import TemplateError, load_template, resolve

REPOSITORY = Path(__file__).resolve().parents[2]


def test_every_route_names_its_function(template: Path) -> None:
    routes = load_template(template).routes
    assert {(each.key, each.function) for each in routes} == {
        ("POST /echo/{id}", "Echo"),
        ("$default", "Echo"),
        ("GET /fail", "Fail"),
    }


def test_globals_reach_a_function_unless_it_says_otherwise(template: Path) -> None:
    text = template.read_text().replace("CodeUri: functions/fail", "CodeUri: x\n      Timeout: 9")
    template.write_text(text)
    functions = load_template(template).functions
    assert (functions["Echo"].timeout, functions["Fail"].timeout) == (5, 9)
    assert functions["Echo"].folder == template.parent / "functions/echo"
    assert (functions["Echo"].module, functions["Echo"].attribute) == ("handler", "handler")


def test_a_stream_mapping_has_its_filters_batches_and_retries(template: Path) -> None:
    taking, expiring = load_template(template).streams
    assert taking.name == "Take.Inserted"
    assert taking.filters[0]["eventName"] == ["INSERT"]
    assert (taking.batch_size, taking.attempts, taking.bisect) == (10, 3, True)
    assert taking.reports_failures
    assert expiring.retries_forever
    assert not expiring.reports_failures


def test_queues_know_their_dead_letters(template: Path) -> None:
    queues = load_template(template).queues
    assert (queues["Jobs"].dead_letters, queues["Jobs"].receives) == ("Dead", 2)
    assert queues["Dead"].dead_letters is None
    assert queues["Jobs"].visibility == 30


def test_a_schedule_has_its_period_in_seconds(template: Path) -> None:
    assert [each.period for each in load_template(template).schedules] == [60]


def test_a_schedule_that_is_not_a_rate_is_refused(template: Path) -> None:
    template.write_text(template.read_text().replace("rate(1 minute)", "cron(0 0 * * 1 *)"))
    with pytest.raises(TemplateError, match="rate"):
        load_template(template)


def test_an_event_that_devstack_cannot_play_is_refused(template: Path) -> None:
    template.write_text(template.read_text().replace("Type: ScheduleV2", "Type: S3"))
    with pytest.raises(TemplateError, match=r"Sweep.Every is of type S3"):
        load_template(template)


def test_a_template_that_is_not_yaml_is_one_error(template: Path) -> None:
    template.write_text("a: {")
    with pytest.raises(TemplateError, match="can't be read"):
        load_template(template)


def test_the_environment_resolves_references(template: Path) -> None:
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
def test_a_value_is_resolved(value: object, expected: str) -> None:
    assert resolve(value, {"Name": "n", "Name.Arn": "arn"}) == expected


@pytest.mark.parametrize("value", [{"Ref": "Nobody"}, {"Fn::Join": ["", ["a"]]}, None])
def test_a_value_without_an_answer_is_refused(value: object) -> None:
    with pytest.raises(TemplateError):
        resolve(value, {})


def test_the_projects_own_template_is_understood() -> None:
    template = load_template(REPOSITORY / "template.yaml")
    assert [index["IndexName"] for index in template.table.definition["GlobalSecondaryIndexes"]] \
        == ["gsi1", "gsi2", "gsi3"]  # fmt: skip
    assert template.table.definition["StreamSpecification"]["StreamEnabled"] is True
    assert template.table.ttl_attribute == "ttl"
    assert {each.name for each in template.streams} == {
        "FanOutEvents.NewEvents",
        "FireTimers.TimeToLive",
    }
    assert template.queues["DeliveryQueue"].dead_letters == "DeadDeliveries"
    assert all(each.function in template.functions for each in template.routes)
