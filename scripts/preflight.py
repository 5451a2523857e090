"""Checks what a deployment needs, before it: `make preflight STAGE=prod ARCH=arm64`.

It changes nothing. Prints a line for each check, and exits with 1 if one failed. Set ACCOUNT to the
account's number to be sure that the credentials are for the right one.
"""

import os
import platform
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import boto3
from botocore.exceptions import BotoCoreError, ClientError

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from devstack.template import read_document

ROOT = Path(__file__).resolve().parents[1]
ARCHITECTURES = ("arm64", "x86_64")
CONCURRENT = ("WebhookConcurrency", "TimerConcurrency", "ProcessorConcurrency")
"""Parameters that say how many executions of a function may run at once."""
FOR_THE_API = 100
"""Concurrent executions that should be left for the API and the page."""


class Finding(NamedTuple):
    name: str
    is_fine: bool
    text: str
    """What was found and, if that is not fine, what to do."""


Check = Callable[[], Finding]


def check_account(sts: Any, wanted: str) -> Finding:
    found = sts.get_caller_identity()
    if wanted and found["Account"] != wanted:
        text = f"The credentials are for {found['Account']}, not {wanted}. Use others."
        return Finding("account", False, text)
    return Finding("account", True, f"{found['Account']} as {found['Arn']}")


def check_region(region: str | None) -> Finding:
    if not region:
        return Finding("region", False, "Set AWS_REGION to the region to deploy to.")
    return Finding("region", True, region)


def check_concurrency(client: Any, parameters: Mapping[str, str]) -> Finding:
    limit = client.get_account_settings()["AccountLimit"]["ConcurrentExecutions"]
    needed = sum(int(parameters[name]) for name in CONCURRENT) + FOR_THE_API
    text = f"{limit} concurrent executions, {needed} are needed at the most"
    if limit < needed:
        text += (
            ". Ask AWS for a higher limit (Service Quotas, Lambda, concurrent executions), or lower"
            f" {', '.join(CONCURRENT)}"
        )
    return Finding("concurrency", limit >= needed, text)


def check_table_quota(client: Any) -> Finding:
    limits = client.describe_limits()
    reads, writes = limits["TableMaxReadCapacityUnits"], limits["TableMaxWriteCapacityUnits"]
    return Finding("table", True, f"at most {reads} read and {writes} write units a second")


def check_architecture(arch: str) -> Finding:
    if arch not in ARCHITECTURES:
        return Finding("architecture", False, f"ARCH must be {' or '.join(ARCHITECTURES)}.")
    return Finding("architecture", True, f"{arch}, built on {platform.machine()} from wheels")


def check_python() -> Finding:
    tool = ROOT / "build_tools/python313"
    found = subprocess.run([tool], capture_output=True, text=True, check=False)
    text = found.stdout.strip() or "Install Python 3.13; the layers' bytecode is made with it."
    return Finding("python", found.returncode == 0, text)


def check_alarms(parameters: Mapping[str, str]) -> Finding:
    address = parameters["AlarmEmail"] or parameters["AlarmTopicArn"]
    if parameters["Stage"] == "prod" and not address:
        text = 'Set PARAMETERS="AlarmEmail=…": a production stack is refused without an address.'
        return Finding("alarms", False, text)
    return Finding("alarms", True, address or "to the stack's topic, which nobody has subscribed")


def check_domain(client: Any, parameters: Mapping[str, str]) -> Finding:
    """A domain is needed in production: merchants' base URL must survive a new stack."""
    domain, arn = parameters["ApiDomain"], parameters["ApiCertificate"]
    if not domain:
        text = "no ApiDomain: the API's address changes with a new stack"
        if parameters["Stage"] == "prod":
            text += (
                '. Set PARAMETERS="ApiDomain=… ApiCertificate=…" before merchants get an address.'
            )
        return Finding("domain", parameters["Stage"] != "prod", text)
    certificate = client.describe_certificate(CertificateArn=arn)["Certificate"]
    names = certificate["SubjectAlternativeNames"]
    covered = domain in names or f"*.{domain.partition('.')[2]}" in names
    is_fine = covered and certificate["Status"] == "ISSUED"
    text = f"{domain}: the certificate is {certificate['Status']} for {', '.join(names)}"
    return Finding("domain", is_fine, text)


def check_edge(parameters: Mapping[str, str]) -> Finding:
    """CloudFront and its WAF look for certificate and rules in us-east-1."""
    arns = [parameters[name] for name in ("EdgeCertificate", "EdgeWebAcl") if parameters[name]]
    if any(":us-east-1:" not in arn for arn in arns):
        return Finding("edge", False, "EdgeCertificate and EdgeWebAcl must be in us-east-1.")
    if not parameters["EdgeCertificate"]:
        text = "no CloudFront: EdgeWebAcl needs EdgeCertificate" if arns else "no CloudFront"
        return Finding("edge", not arns, text)
    if not parameters["EdgeKey"]:
        text = "without EdgeKey, functions answer requests around CloudFront and WAF"
        return Finding("edge", True, text)
    return Finding("edge", True, "CloudFront, and no way around it")


def check_receipts(client: Any, parameters: Mapping[str, str]) -> Finding:
    """Without a verified domain and production access, SES refuses receipts one by one."""
    sender, chosen = parameters["ReceiptSender"], parameters["ReceiptConfigurationSet"]
    if not sender:
        return Finding("receipts", True, "no ReceiptSender: the page offers no receipt by e-mail")
    domain = sender.partition("@")[2]
    try:
        identity = client.get_email_identity(EmailIdentity=domain)
    except client.exceptions.NotFoundException:
        return Finding("receipts", False, f"Verify the domain {domain} at SES, in this region.")
    if not identity["VerifiedForSendingStatus"]:
        text = f"SES has not verified {domain} yet: publish the DNS records that it shows."
        return Finding("receipts", False, text)
    default = identity.get("ConfigurationSetName", "")
    if default and not chosen:
        text = f'Set PARAMETERS="ReceiptConfigurationSet={default}", which {domain} has at SES.'
        return Finding("receipts", False, text)
    if not client.get_account()["ProductionAccessEnabled"]:
        text = f"from {sender}, to verified addresses alone: ask SES for production access"
        return Finding("receipts", parameters["Stage"] != "prod", text)
    return Finding("receipts", True, f"from {sender}")


def check_page_url(parameters: Mapping[str, str]) -> Finding:
    url = parameters["PageUrl"]
    is_fine = not url or (urlsplit(url).scheme == "https" and not urlsplit(url).path)
    return Finding("page", is_fine, url or "at the API's address")


def read_parameters(given: Iterable[str]) -> dict[str, str]:
    """The stack's parameters: the template's defaults, and `Name=value` for others."""
    defaults = read_document(ROOT / "template.yaml")["Parameters"]
    parameters = {name: str(each.get("Default", "")) for name, each in defaults.items()}
    for each in given:
        name, _, value = each.partition("=")
        if name not in parameters:
            raise ValueError(f"template.yaml has no parameter {name}.")
        parameters[name] = value
    return parameters


def checks(parameters: Mapping[str, str]) -> list[Check]:
    session = boto3.Session()
    client: Any = session.client
    return [
        lambda: check_architecture(parameters["Architecture"]),
        check_python,
        lambda: check_alarms(parameters),
        lambda: check_page_url(parameters),
        lambda: check_edge(parameters),
        lambda: check_region(session.region_name),
        lambda: check_account(client("sts"), os.environ.get("ACCOUNT", "")),
        lambda: check_concurrency(client("lambda"), parameters),
        lambda: check_table_quota(client("dynamodb")),
        lambda: check_domain(client("acm"), parameters),
        lambda: check_receipts(client("sesv2"), parameters),
    ]


def run(checks: Iterable[Check]) -> bool:
    """Prints a line for each check. Returns whether all are fine."""
    is_fine = True
    for check in checks:
        try:
            found = check()
        except (BotoCoreError, ClientError) as error:
            found = Finding("aws", False, f"{error}. Check the credentials and their permissions.")
        print(f"{'ok    ' if found.is_fine else 'failed'}  {found.name}: {found.text}")
        is_fine = is_fine and found.is_fine
    return is_fine


def main(arguments: list[str]) -> int:
    try:
        parameters = read_parameters(arguments)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    return 0 if run(checks(parameters)) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
