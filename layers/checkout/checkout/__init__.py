"""A checkout-session service: one core, spoken in the dialects of `checkout.api`.

Imports run one way: functions -> api, page, webhooks, processors -> store -> domain.
"""
