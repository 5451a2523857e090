"""The page's sentences that depend on what happened; the rest stands in the templates."""

from checkout.domain.payment import Failure

FIELD_ERRORS = {
    "card_number_invalid": "Check the card number.",
    "card_expiry_invalid": "Check the expiry date: month and year, not in the past.",
    "card_code_invalid": "Check the security code: three or four digits.",
    "email_invalid": "Check the e-mail address.",
    "phone_invalid": "Check the number: ten digits, on MTN, Telecel or AirtelTigo.",
    "method_not_allowed": "Choose one of the ways to pay below.",
    "not_a_test_card": "This is test mode: use one of the test cards below. Nothing was stored.",
    "not_a_test_mobile_money": "This is test mode: use one of the test numbers below.",
}

FAILURES = {
    Failure.DECLINED: "The payment was declined. You have not been charged.",
    Failure.INSUFFICIENT_FUNDS: "There is not enough money available. You have not been charged.",
    Failure.BLOCKED: "The card is blocked. You have not been charged.",
    Failure.CODE_INCORRECT: "The security code is wrong. You have not been charged.",
    Failure.PROCESSING_ERROR: "The bank could not process the payment. You have not been charged.",
    Failure.SYSTEM_ERROR: "The bank cannot be reached just now. You have not been charged.",
    Failure.TIMED_OUT: "The payment was not approved in time. You have not been charged.",
    Failure.TOO_LATE: "The approval came too late. What was charged goes back to you.",
}

METHODS = {
    "card": "Card",
    "mobile_money": "Mobile money",
    "bank_transfer": "Bank transfer",
    "gcash": "GCash",
    "maya": "Maya",
    "qrph": "QR Ph",
}

BUTTONS = {
    None: "Pay",
    "pay": "Pay",
    "book": "Book",
    "donate": "Donate",
    "send": "Send",
}
"""What the button says before the amount, by the session's `submit_type`."""
