<?php

/** The client's own tests: php tests/run.php. Prints each failed test, and exits with 1 if there is one. */

declare(strict_types=1);

use PayGate\Answer;
use PayGate\Client;
use PayGate\Exception;
use PayGate\Model\Session;
use PayGate\Model\WebhookEndpoint;
use PayGate\Request;
use PayGate\Retries;
use PayGate\Webhook;

require __DIR__ . '/autoload.php';

const SECRET = 'whsec_c2FtcGxl';
const BODY = '{"type":"checkout.session.completed","request":{"id":null},'
    . '"data":{"object":{"object":"checkout.session","id":"cs_1","metadata":{"name":"Ä"}}}}';
const NOW = 1_700_000_000;

/** Records requests and gives the answers in `$answers`, then `{}`. */
final class Api
{
    /** @var list<Answer|null> null is a lost connection */
    public array $answers = [];
    /** @var list<Request> */
    public array $requests = [];
    /** @var list<float> */
    public array $delays = [];

    public function client(int $maxRetries = 2): Client
    {
        $send = function (Request $request): Answer {
            $this->requests[] = $request;
            $answer = $this->answers === [] ? answer(200, []) : array_shift($this->answers);
            return $answer ?? throw new Exception\ConnectionException('refused');
        };
        $sleep = function (float $seconds): void {
            $this->delays[] = $seconds;
        };
        return new Client('sk_test_x', 'https://api.example.com/', 30.0, $maxRetries, $send, $sleep);
    }
}

/** @param array<mixed> $body @param array<string, string> $headers */
function answer(int $status, array $body, array $headers = []): Answer
{
    return new Answer($status, $headers, json_encode((object) $body, JSON_THROW_ON_ERROR));
}

function failure(int $status, string $code, string $type = 'invalid_request_error'): Answer
{
    $error = ['type' => $type, 'code' => $code, 'message' => 'No.', 'param' => 'id'];
    return answer($status, ['error' => $error], ['request-id' => 'req_1']);
}

/** @param list<string> $ids */
function page(array $ids, bool $hasMore, ?string $cursor = null): Answer
{
    $data = array_map(static fn (string $id): array => ['id' => $id], $ids);
    $headers = $cursor === null ? [] : ['next-cursor' => $cursor];
    return answer(200, ['object' => 'list', 'data' => $data, 'has_more' => $hasMore], $headers);
}

function same(mixed $expected, mixed $actual): void
{
    if ($expected !== $actual) {
        throw new AssertionError(var_export($actual, true) . ' is not ' . var_export($expected, true));
    }
}

/** @param class-string<Throwable> $class */
function fails(string $class, string $words, callable $run): Throwable
{
    try {
        $run();
    } catch (Throwable $error) {
        same($class, $error::class);
        same(true, str_contains($error->getMessage(), $words) ?: $error->getMessage());
        return $error;
    }
    throw new AssertionError("there is no $class");
}

function construct(mixed $body, ?string $header = null, int $now = NOW): PayGate\Model\Event
{
    return Webhook::constructEvent($body, $header ?? Webhook::sign(BODY, SECRET, NOW), SECRET, now: $now);
}

$tests = [
    'a request has the key, JSON and an idempotency key' => function (Api $api): void {
        $api->client()->customers->create(['name' => 'Ama', 'metadata' => [], 'idempotency_key' => 'order-1']);

        [$request] = $api->requests;
        same('POST https://api.example.com/v1/customers', "{$request->method} {$request->url}");
        same('{"name":"Ama","metadata":{}}', $request->body);
        same('Bearer sk_test_x', $request->headers['Authorization']);
        same('order-1', $request->headers['Idempotency-Key']);
    },
    'times are written in UTC, in queries and in bodies' => function (Api $api): void {
        $at = new DateTimeImmutable('2026-01-31T13:00:00.5+01:00');
        $api->answers = [page([], false)];
        $api->client()->events->list(['created_at' => ['gte' => $at]]);
        $api->client()->events->resendRange(['created_at' => ['gte' => $at]]);

        same(
            'https://api.example.com/v1/events?created_at[gte]=2026-01-31T12:00:00Z',
            rawurldecode($api->requests[0]->url),
        );
        same('{"created_at":{"gte":"2026-01-31T12:00:00Z"}}', $api->requests[1]->body);
    },
    'ids are escaped, and an empty one is refused' => function (Api $api): void {
        $api->client()->payments->retrieve('../x');
        same('https://api.example.com/v1/payments/..%2Fx', $api->requests[0]->url);
        fails(Exception\PayGateException::class, 'non-empty', fn () => $api->client()->payments->retrieve(''));
    },
    'what is missing in the configuration is named' => function (): void {
        putenv('PAYGATE_SECRET_KEY');
        putenv('PAYGATE_BASE_URL');
        fails(Exception\PayGateException::class, 'PAYGATE_SECRET_KEY', fn () => new Client());
        fails(Exception\PayGateException::class, 'PAYGATE_BASE_URL', fn () => new Client('sk_test_x'));
    },
    'a list is iterated over all pages, also empty ones' => function (Api $api): void {
        $api->answers = [page(['a', 'b'], true, 'b'), page([], true, 'k'), page(['z'], false)];
        $ids = [];
        foreach ($api->client()->customers->list(['limit' => 2]) as $each) {
            $ids[] = $each->id;
        }
        same(['a', 'b', 'z'], $ids);
        parse_str((string) parse_url($api->requests[2]->url, PHP_URL_QUERY), $query);
        same(['starting_after' => 'k', 'limit' => '2'], $query);
    },
    'a list can be read page by page' => function (Api $api): void {
        $api->answers = [page(['a'], true), page(['b'], false)];
        $first = $api->client()->customers->list();
        $second = $first->nextPage();
        same(['a', true], [$first->data[0]->id, $first->hasMore()]);
        same(['b', null], [$second?->data[0]->id, $second?->nextPage()]);
    },
    'an error has a class and all its fields' => function (Api $api): void {
        foreach ([
            [400, 'invalid_request_error', Exception\InvalidRequestException::class],
            [401, 'authentication_error', Exception\AuthenticationException::class],
            [403, 'permission_error', Exception\PermissionDeniedException::class],
            [404, 'invalid_request_error', Exception\NotFoundException::class],
            [409, 'invalid_request_error', Exception\ConflictException::class],
            [409, 'idempotency_error', Exception\IdempotencyException::class],
            [422, 'invalid_request_error', Exception\InvalidRequestException::class],
            [429, 'rate_limit_error', Exception\RateLimitException::class],
            [503, 'api_error', Exception\ServerException::class],
        ] as [$status, $type, $class]) {
            $api->answers = [failure($status, 'some_code', $type)];
            $error = fails($class, 'No.', fn () => $api->client(0)->payments->retrieve('pay_1'));
            same(true, $error instanceof Exception\ApiException);
            same(
                [$type, 'some_code', 'id', $status, 'req_1'],
                [$error->type, $error->errorCode, $error->param, $error->status, $error->requestId],
            );
        }
    },
    'an error of API Gateway has its message' => function (Api $api): void {
        $api->answers = [answer(429, ['message' => 'Too Many Requests'])];
        $retrieve = fn () => $api->client(0)->payments->retrieve('pay_1');
        fails(Exception\RateLimitException::class, 'Too Many Requests', $retrieve);
    },
    'an answer that is not JSON is an error' => function (Api $api): void {
        $api->answers = [new Answer(200, [], '<html>')];
        $retrieve = fn () => $api->client()->payments->retrieve('pay_1');
        fails(Exception\PayGateException::class, 'check the base URL', $retrieve);
    },
    'retries follow what may pass, with one idempotency key' => function (): void {
        foreach ([
            null,
            new Answer(500, [], 'oops'),
            failure(503, 'try_again', 'api_error'),
            failure(429, 'x'),
            failure(409, 'payment_in_progress'),
        ] as $failed) {
            $api = new Api();
            $api->answers = [$failed, $failed, answer(201, ['id' => 'cus_1'])];
            same('cus_1', $api->client()->customers->create()->id);
            $keys = array_map(fn (Request $each): string => $each->headers['Idempotency-Key'], $api->requests);
            same([3, 1], [count($keys), count(array_unique($keys))]);
            [$first, $second] = $api->delays;
            same(true, $first >= 0.25 && $first <= 0.5 && $second >= 0.5 && $second <= 1.0);
        }
    },
    'retries end after maxRetries' => function (Api $api): void {
        $api->answers = [null, null];
        fails(Exception\ConnectionException::class, 'refused', fn () => $api->client(1)->customers->create());
        same(2, count($api->requests));
    },
    'a state that stays is not retried' => function (Api $api): void {
        $api->answers = [failure(409, 'checkout_session_not_open')];
        fails(Exception\ConflictException::class, 'No.', fn () => $api->client()->customers->create());
        same(1, count($api->requests));
    },
    'Retry-After is waited for up to a minute' => function (Api $api): void {
        $api->answers = [answer(503, [], ['retry-after' => '7'])];
        $api->client()->customers->create();
        same([7.0], $api->delays);
        $api->answers = [answer(503, [], ['retry-after' => '61'])];
        fails(Exception\ServerException::class, '503', fn () => $api->client()->customers->create());
    },
    'Retry-After may be a date, and any other text is ignored' => function (): void {
        date_default_timezone_set('Asia/Manila');
        $now = (int) strtotime('2026-01-31T12:00:00Z');
        same(20.0, Retries::delayBefore(0, 'Sat, 31 Jan 2026 12:00:20 GMT', $now));
        same(true, Retries::delayBefore(0, 'soon', $now) <= 0.5);
        same(true, Retries::delayBefore(20, null, $now) <= 8.0);
    },
    'a webhook is accepted with any signature of the header' => function (): void {
        [$time, $signature] = explode(',', $header = Webhook::sign(BODY, SECRET, NOW));
        $other = 'v1=' . str_repeat('0', 64);
        foreach ([$header, "$time,$other,$signature", "$header,$other", "$header,v1=x,v0=y"] as $each) {
            $session = construct(BODY, $each)->data->object;
            same(true, $session instanceof Session);
            same(['cs_1', ['name' => 'Ä']], [$session->id, $session->metadata]);
        }
    },
    'a parsed body is refused, with what to do' => function (): void {
        foreach ([json_decode(BODY, true), json_decode(BODY), null] as $body) {
            fails(
                Exception\WebhookSignatureException::class,
                "pass the raw body: file_get_contents('php://input')",
                fn () => construct($body),
            );
        }
    },
    'another body or secret is refused' => function (): void {
        $class = Exception\WebhookSignatureException::class;
        $header = Webhook::sign(BODY, SECRET);
        fails($class, 'No signature matches', fn () => construct(BODY . ' '));
        fails($class, 'No signature matches', fn () => Webhook::constructEvent(BODY, $header, 'whsec_b3RoZXI='));
        fails($class, 'secret is missing', fn () => Webhook::constructEvent(BODY, $header, ''));
    },
    'a webhook is accepted up to 300 seconds before and after' => function (): void {
        construct(BODY, null, NOW - 300);
        construct(BODY, null, NOW + 300);
        foreach ([-301, 301] as $seconds) {
            $late = fn () => construct(BODY, null, NOW + $seconds);
            fails(Exception\WebhookSignatureException::class, 'more than 300 seconds', $late);
        }
    },
    'a header of another form is refused' => function (): void {
        foreach (['t=1', 'v1=00', 't=x,v1=' . str_repeat('0', 64), 'nonsense', 't=1,v1=00'] as $header) {
            fails(Exception\WebhookSignatureException::class, 'not of the form', fn () => construct(BODY, $header));
        }
        foreach ([null, ''] as $header) {
            $missing = fn () => Webhook::constructEvent(BODY, $header, SECRET);
            fails(Exception\WebhookSignatureException::class, 'header is missing', $missing);
        }
    },
    'an object does not show its secret' => function (): void {
        $endpoint = new WebhookEndpoint(['id' => 'we_1', 'secret' => SECRET]);
        same(false, str_contains(print_r($endpoint, true), SECRET));
        same(SECRET, $endpoint->secret);
        fails(LogicException::class, 'no field nothing', fn () => $endpoint->nothing);
    },
];

$failed = 0;
foreach ($tests as $name => $test) {
    try {
        $test(new Api());
    } catch (Throwable $error) {
        $failed++;
        echo "FAILED $name: {$error->getMessage()} ({$error->getFile()}:{$error->getLine()})\n";
    }
}
echo count($tests) - $failed, " passed, $failed failed\n";
exit($failed === 0 ? 0 : 1);
