"""DynamoDB: creates the template's table in the engine."""

from typing import Any

from botocore.exceptions import ClientError

from devstack.template import Template


def create_table(client: Any, template: Template, name: str | None = None) -> str:
    """Create the template's table, unless it exists, with time to live; return its name."""
    table_name = name or template.table_name
    try:
        client.create_table(**{**template.table.definition, "TableName": table_name})
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceInUseException":
            raise
    client.get_waiter("table_exists").wait(
        TableName=table_name, WaiterConfig={"Delay": 1, "MaxAttempts": 30}
    )
    if template.table.ttl_attribute:
        _enable_ttl(client, table_name, template.table.ttl_attribute)
    return table_name


def _enable_ttl(client: Any, table_name: str, attribute: str) -> None:
    state = client.describe_time_to_live(TableName=table_name)["TimeToLiveDescription"]
    if state.get("TimeToLiveStatus") not in ("ENABLED", "ENABLING"):
        client.update_time_to_live(
            TableName=table_name,
            TimeToLiveSpecification={"AttributeName": attribute, "Enabled": True},
        )
