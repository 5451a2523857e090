"""Values that break parsers, patterns, keys, encodings and pages."""

from devstack.fixtures.sample_objects import (
    APPROVAL_SUFFIX,
    PAID_SUFFIX,
    PAYGATE_SUFFIX,
    PAYREX_PAID_SUFFIX,
    PAYREX_SUFFIX,
)

MARKER = "<script>fuzz(1)</script>"
"""No page may contain this text unescaped."""

SAMPLE_IDS = (
    f"cs_{PAYGATE_SUFFIX}",
    f"cs_{PAYREX_SUFFIX}",
    f"cs_{PAYREX_SUFFIX}_secret_sample",
    f"pi_{PAYREX_SUFFIX}",
    f"cus_{PAYGATE_SUFFIX}",
    f"cus_{PAYREX_SUFFIX}",
    f"we_{PAYGATE_SUFFIX}",
    f"wh_{PAYREX_SUFFIX}",
    f"evt_{PAYGATE_SUFFIX}",
    f"rs_{PAYGATE_SUFFIX}",
    f"pay_{PAYGATE_SUFFIX}",
    f"pay_{PAID_SUFFIX}",
    f"pay_{PAYREX_PAID_SUFFIX}",
    f"pay_{APPROVAL_SUFFIX}",
    f"re_{PAYGATE_SUFFIX}",
    f"re_{PAYREX_SUFFIX}",
    "merc_paygate",
    "resend",
    "resends",
)

NUMBERS = (
    "0", "-1", "+1", "1.0", "1e400", "NaN", "0100", "0100999", "0100" + "9" * 29, "-0", "--1", " 1",
    "00000000000000000001", "9" * 15, "9" * 20, "9" * 400, "9" * 5000, "0" * 60_000 + "1", "1" * 10,
    "١٢٣", "１０", "²", "0x10", "1_000", "2147483648", "-9223372036854775809", "9" * 16, "1" * 19,
)  # fmt: skip
URLS = (
    "https://", "https://a", "https:///", "https://[::1", "https://[::1]:0/", "https://a:99999/",
    "http://127.0.0.1:0/", "https://例え.テスト/", "https://xn--a/", "https://a@b/", "https://a.b?x",
    "https://shop.example?token=x", "https://shop.example//a//b", "https://a..b/", "https://a#b",
    "https://" + "a" * 64 + ".example/", "https://shop.example/" + "a" * 2100,
    "javascript:fuzz(1)", "https://shop.example/" + MARKER, "https://\u2488.example/",
    "https://a.example:/", "https://%00/", "https://" + "a." * 1000 + "b/",
    "https://" + "1." * 900 + "1/", "https://[" + ":" * 1900 + "]/",
    "https://shop.example/{CHECKOUT_SESSION_ID}{CHECKOUT_SESSION_ID}", "https://a.b:٣/", "//a.b",
    "https://0x7f.1/", "https://a.b\\@c/", "https://" + ":" * 1900, "https://a.b/" + "?#" * 900,
)  # fmt: skip
TIMES = (
    "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "9999-12-31T23:59:59-23:59", "9999999999",
    "0001-01-01T00:00:00+23:59", "2026-02-30T00:00:00Z", "2026-01-31T24:00:00Z", "253402300800",
    "2026-01-31T23:59:60Z", "2026-01-31T12:00:00+99:99", "1969-12-31T23:59:59Z",
    "0000-00-00T00:00:00Z", "2027-01-15T12:00:00.000001Z", "99999999999",
    "Mon, 01 Jan 99999999999999999999 00:00:00 GMT", "2027-01-15t12:00:00z",
    "٢٠٢٧-01-15T12:00:00Z", "2027-01-15T12:00:00." + "1" * 5000 + "Z",
)  # fmt: skip
IDS = (
    *SAMPLE_IDS, "cs_", "cus_" + "1" * 32, "pay_" + "é" * 32, "we_" + "1" * 2100, "evt_#",
    "a" * 1025, f"pay_{PAYGATE_SUFFIX}#", f"cs_{PAYGATE_SUFFIX}#x", f"cus_{PAYGATE_SUFFIX}\n",
    f"we_{PAYGATE_SUFFIX}/", "_" * 2000,
    "pay_" + "1" * 1100, "#" * 40, "merc_paygate#test", "merc_stripe.live", ".", ".test",
    "merc_stripe.", "x" * 2100 + ".test",
)  # fmt: skip
CONTACTS = (
    "a@b", "a@b.c", "@", "a@" + "b." * 120 + "c", "a" * 64 + "@example.com", "a@[127.0.0.1]",
    "a@" + "b" * 250, "@" * 250, "a@b.c" * 40, "+233240000001", "+" + "9" * 15, "0240000001",
    "+233 24", "00233240000001", "0" * 16, "4242 4242 4242 4242", "4" * 19, "4" * 5000, "12/40",
    "13/99", "12 40", "1 / 2 0 4 0", "00/00", "12/" + " " * 20_000 + "x",
    "12" + " " * 20_000 + "x",
)  # fmt: skip
WORDS = (
    "", " ", "\t\r\n", "None", "null", "true", "[]", "{}", "\x00", "a\x00b", "\x1b[31m", "\x7f",
    "\x85", "\u2028", "\u202e", "\ufeff", "\ufffd", "\uffff", "é", "e\u0301" * 200, "ß", "İ",
    "ﷺ" * 30, "\U0010ffff", "👩‍👩‍👧‍👦" * 20, "𝒳" * 600, "#", "a#b", "../../../etc/passwd", "..",
    ".", "/", "//", "%", "%zz", "%00", "\\", "~", "*", "'", '"', f"'\">{MARKER}", "{{7*7}}",
    "{0.__class__}", "%s%s%n", "${x}", "{CHECKOUT_SESSION_ID}", "a\r\nset-cookie: a=b",
    "; drop table", "a,b", "a;b", "a=b&c=d", "[", "]", "a[b", "a]b[", "[][]", "card", "gcash",
    "PHP", "GHS", "open", "enabled", "latest", "payment.failed", "x" * 501, "x" * 1001,
    "x" * 60_000,
)  # fmt: skip
TEXTS = (*NUMBERS, *URLS, *TIMES, *IDS, *CONTACTS, *WORDS)

KINDS = (
    (r"-?[0-9]+", (*NUMBERS, *TIMES)),
    (r"https?://.*", URLS),
    (r"[0-9]{4}-.*", TIMES),
    (r"[a-z]+_[0-9A-Za-z_.]{20,}", IDS),
    (r".*@.*|[0-9 +/]+", CONTACTS),
    (r".*", WORDS),
)
"""Patterns of valid values, and what replaces such a value more often than other texts."""

RAW_JSON = (
    "null", "true", "false", "0", "-0", "-1", "0.5", "5000.0", "5e3", "1e400", "-1e400", "1e-400",
    "NaN", "Infinity", "-Infinity", "9223372036854775808", "9" * 40, "9" * 5000, "-" + "9" * 400,
    "0.1000000000000000055511151231257827021181583404541015625", "1" + "0" * 126, "5" * 39,
    "[]", "{}", "[[]]", "[{}]", "[null]", "[1,2]", '[""]', '{"":""}', '{"a":{"b":{"c":[]}}}',
    '{"$gt":""}', '{"S":"x"}', '{"a":1,"a":2}', r'"\u0000"', r'"\ud800"', r'"\udfff\ud800"',
    r'"\ud83d\ude00"', r'"\/"', '"unclosed', "'single'", "01", "+1", ".5", "1.", "0x1", "tr", "",
    "[" * 500 + "]" * 500, "[" * 20_000, '{"a":' * 300 + "1" + "}" * 300, '{"a":' * 9_000,
    "[" + "1," * 5_000 + "1]", "[" + '"a",' * 150 + '"a"]', '["' + '","'.join(SAMPLE_IDS) + '"]',
    "{" + ",".join(f'"key_{number}":"{number}"' for number in range(60)) + "}",
    "{" + ",".join(f'"{number}":"x"' for number in range(4_000)) + "}",
    '{"' + "k" * 3_000 + '":"1"}', r'{"\u0000":"1","#":"2","é":"3","\ud800":"4"}',
)  # fmt: skip

BODIES = (
    b"", b" ", b"\n", b"{", b"}", b"[]", b"null", b"0", b'""', b"{}{}", b"{},", b"\x00",
    b"\xef\xbb\xbf{}", b"\xff\xfe{\x00}\x00", b"\xff" * 70_000, b"\xc3\x28", b"\xed\xa0\x80",
    b"[" * 65_000, b'{"a":' * 12_000, b"a" * 65_536, b"a" * 65_537, b"{" + b" " * 65_000 + b"}",
    b"&" * 65_000, b"=" * 65_000, b"%" * 65_000, b"a&" * 32_000, b"a[]=&" * 13_000, b"a[b]=1&a=2",
    b"a=1&a[b]=2", b"a" + b"[b]" * 20_000 + b"=1", b"[" * 60_000 + b"=1",
    b"metadata[]=1&metadata[a]=2", b"+" * 30_000 + b"=" + b"+" * 30_000, b"\r\n\r\n",
    b"<?xml version='1.0'?><a/>",
    b"--x\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n--x--",
)  # fmt: skip

BYTES = (
    b"", b"\x00", b"\xff", b"\xed\xa0\x80", b"\xc3", b'"', b"}", b"[", b"%", b"&", b"\\u",
    b" " * 9_000,
)  # fmt: skip
"""Bytes that are put into the middle of a body."""

NAMES = (
    "name[]", "name[a]", "name[0]", "name[-1]", "name[" + "9" * 30 + "]", "name[", "name]",
    "[name]", "name", "name[][]", "name[][a][b]", "name[0][amount]", "name[[]]", "name[٣]",
    "name" + "[a]" * 9, "name" + "[]" * 9, "name" + "[a]" * 3_000, "", "Name", "name\x00", "name ",
    "name.a", "names",
)  # fmt: skip
"""Names of form fields and query parameters; `name` stands for a valid one."""

HEADERS: dict[str, tuple[str, ...]] = {
    "authorization": (
        "", "Basic", "Bearer", "Bearer ", "Basic " + "=" * 50, "Basic w6k6", "Basic /w==",
        "Bearer sk_test_" + "a" * 200, "Bearer pk_test_paygate", "Bearer sk_live_paygate",
    ),
    "content-type": (
        "application/json", "application/json; charset=utf-16", "APPLICATION/JSON", "text/plain",
        "application/x-www-form-urlencoded", "application/x-www-form-urlencoded; charset=latin-1",
        "multipart/form-data; boundary=x", "application/octet-stream", "image/png", "", "a", ";",
    ),
    "content-encoding": ("gzip", "identity"),
    "idempotency-key": ("order-1234", "k" * 255, "k" * 256, "é", "#", " ", ""),
    "accept-language": (
        "fr", "fil-PH, en;q=0.5", "*", "", ",,,;;;", "en;q=", "en;q=1e400", "en;q=-1", "en;q=nan",
        "en;q=0." + "9" * 5000, "xx-" * 2000, "fr;q=1;q=0", "e" * 9000, ", " * 4000, "é", "fr_FR",
        "en" + " " * 9000 + "x", "en;q=" + " " * 8000 + "x", "../fr",
    ),
    "host": (
        "api.example.com", "127.0.0.1:3000", "", ":", "a:b:c", "[::1]:3000", "evil.example/path",
        "a b", "evil.example?x", f"\"'>{MARKER}", "a" * 3000, "xn--", "é.example", "[", "a\\@b",
    ),
    "stripe-signature": (
        "", "t=1,v1=é", "t=,v1=", "t=" + "9" * 5000 + ",v1=a", "v1=a", "t=1", "=,=", "t=²",
        "t=1e400,v1=a", "t=1,v1=" + "a" * 64, "t=-1,v1=" + "a" * 64, "t=1," * 2000, "t=1,v0=a,v1=",
    ),
    "x-paystack-signature": ("", "é", "0" * 128, "A" * 128, "a" * 127, "=", "0" * 8000),
    "paymongo-signature": (
        "", "t=1,te=é", "t=,te=,li=", "te=,li=", "t=1", "=,=", "t=1,te=" + "a" * 64, "t=1," * 2000,
        "t=²,te=a", "li=" + "a" * 64,
    ),
    "x-forwarded-proto": ("http", "https", "", "javascript", "https,http", f"\">{MARKER}"),
    "user-agent": ("curl/8",),
    "cookie": ("a=b", ";;=;"),
}  # fmt: skip
"""Values of headers, by the header's name in lower case."""

RUN_LENGTHS = (1, 41, 300, 1_100, 2_100, 20_000)
RUN_TEXTS = (" ", "0", "9", "a", "-", ".", "/", "[", "]", "%", "\t", "\u00a0", "é", "@", "a.", "1 ")
ENDINGS = ("", "x", "!", "\n", "\x00")
