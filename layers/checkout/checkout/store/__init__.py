"""The only place that knows DynamoDB: keys, items, conditions, transactions."""
