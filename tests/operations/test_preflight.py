"""scripts/preflight.py: each check on what AWS answers."""

from typing import Any

import boto3
import pytest
from botocore.exceptions import NoCredentialsError
from botocore.stub import Stubber

from scripts import preflight

PROD = ["Stage=prod", "AlarmEmail=ops@example.com"]


def client(service: str, operation: str, answer: dict[str, Any]) -> Any:
    """A client that gives this answer to one call."""
    create: Any = boto3.client
    made = create(
        service, region_name="eu-west-1", aws_access_key_id="x", aws_secret_access_key="x"
    )
    stubber = Stubber(made)
    stubber.add_response(operation, answer)
    stubber.activate()
    return made


def concurrency(limit: int, *given: str) -> preflight.Finding:
    settings = {"AccountLimit": {"ConcurrentExecutions": limit}}
    made = client("lambda", "get_account_settings", settings)
    return preflight.check_concurrency(made, preflight.read_parameters(given))


def test_a_new_account_with_ten_concurrent_executions_is_refused() -> None:
    found = concurrency(10)

    assert not found.is_fine
    assert "10 concurrent executions, 450 are needed" in found.text
    assert "Service Quotas" in found.text


def test_enough_concurrency_is_fine_and_lower_parameters_need_less() -> None:
    assert concurrency(1000).is_fine
    small = ("WebhookConcurrency=2", "TimerConcurrency=2", "ProcessorConcurrency=2")
    assert concurrency(106, *small).is_fine


@pytest.mark.parametrize(("wanted", "is_fine"), [("", True), ("1" * 12, True), ("2" * 12, False)])
def test_credentials_of_another_account_are_refused(wanted: str, is_fine: bool) -> None:
    identity = {"Account": "1" * 12, "Arn": "arn:aws:iam::111111111111:user/ama", "UserId": "u"}

    found = preflight.check_account(client("sts", "get_caller_identity", identity), wanted)

    assert found.is_fine is is_fine


def test_production_needs_an_alarm_address_and_a_domain() -> None:
    bare = preflight.read_parameters(["Stage=prod"])

    assert not preflight.check_alarms(bare).is_fine
    assert not preflight.check_domain(None, bare).is_fine
    assert preflight.check_alarms(preflight.read_parameters(PROD)).is_fine
    assert preflight.check_domain(None, preflight.read_parameters(["Stage=dev"])).is_fine


@pytest.mark.parametrize(
    ("names", "status", "is_fine"),
    [
        (["pay.example.com"], "ISSUED", True),
        (["*.example.com"], "ISSUED", True),
        (["www.example.com"], "ISSUED", False),
        (["pay.example.com"], "PENDING_VALIDATION", False),
    ],
)
def test_the_certificate_covers_the_domain(names: list[str], status: str, is_fine: bool) -> None:
    answer = {"Certificate": {"SubjectAlternativeNames": names, "Status": status}}
    arn = f"arn:aws:acm:eu-west-1:{'1' * 12}:certificate/x"
    given = preflight.read_parameters(["ApiDomain=pay.example.com", f"ApiCertificate={arn}"])

    found = preflight.check_domain(client("acm", "describe_certificate", answer), given)

    assert found.is_fine is is_fine


def test_an_unknown_architecture_or_a_missing_region_is_refused() -> None:
    assert preflight.check_architecture("arm64").is_fine
    assert not preflight.check_architecture("armv7").is_fine
    assert not preflight.check_region(None).is_fine


def test_a_parameter_that_the_template_does_not_have_is_refused(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert preflight.main(["AlarmMail=x"]) == 2
    assert "no parameter AlarmMail" in capsys.readouterr().err


def test_every_check_runs_although_one_gets_no_answer(capsys: pytest.CaptureFixture[str]) -> None:
    def fail() -> preflight.Finding:
        raise NoCredentialsError

    assert not preflight.run([fail, lambda: preflight.Finding("other", True, "fine")])

    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith("failed") and "credentials" in first
    assert second == "ok      other: fine"


@pytest.mark.parametrize(
    ("given", "is_fine"),
    [
        ([], True),
        (["EdgeCertificate=arn:aws:acm:us-east-1:1:certificate/a"], True),
        (["EdgeCertificate=arn:aws:acm:eu-west-1:1:certificate/a"], False),
        (["EdgeWebAcl=arn:aws:wafv2:us-east-1:1:global/webacl/a/b"], False),
    ],
)
def test_cloudfront_needs_its_certificate_in_us_east_1(given: list[str], is_fine: bool) -> None:
    assert preflight.check_edge(preflight.read_parameters(given)).is_fine is is_fine


def receipts(*given: str, account: bool = True, **identity: Any) -> preflight.Finding:
    """The check of a sender whose domain SES knows with these attributes, or does not know."""
    create: Any = boto3.client
    made = create(
        "sesv2", region_name="eu-west-1", aws_access_key_id="x", aws_secret_access_key="x"
    )
    stubber = Stubber(made)
    if identity:
        stubber.add_response("get_email_identity", identity, {"EmailIdentity": "pay.example.com"})
    else:
        stubber.add_client_error("get_email_identity", "NotFoundException")
    stubber.add_response("get_account", {"ProductionAccessEnabled": account})
    with stubber:
        sender = "ReceiptSender=receipts@pay.example.com"
        return preflight.check_receipts(made, preflight.read_parameters([sender, *given]))


def test_receipts_need_a_verified_domain_and_production_access() -> None:
    assert preflight.check_receipts(None, preflight.read_parameters([])).is_fine
    assert not receipts().is_fine
    assert not receipts(VerifiedForSendingStatus=False).is_fine
    assert receipts(VerifiedForSendingStatus=True).is_fine
    assert receipts(VerifiedForSendingStatus=True, account=False).is_fine
    assert not receipts("Stage=prod", VerifiedForSendingStatus=True, account=False).is_fine


def test_the_configuration_set_of_the_senders_domain_has_to_be_named() -> None:
    """Otherwise SES asks for a permission that the function does not have."""
    found = receipts(VerifiedForSendingStatus=True, ConfigurationSetName="all")

    assert not found.is_fine and "ReceiptConfigurationSet=all" in found.text
    named = "ReceiptConfigurationSet=all"
    assert receipts(named, VerifiedForSendingStatus=True, ConfigurationSetName="all").is_fine
