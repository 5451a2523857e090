<?php

declare(strict_types=1);

namespace PayGate;

use PayGate\Exception\ApiException;
use PayGate\Exception\ConnectionException;
use PayGate\Exception\PayGateException;

/** Sends calls, and repeats those that may succeed a moment later. */
final class Transport
{
    /**
     * @param \Closure(Request): Answer $send
     * @param \Closure(float): void $sleep waits for a number of seconds
     */
    public function __construct(
        private readonly string $secretKey,
        private readonly string $baseUrl,
        private readonly int $maxRetries,
        private readonly \Closure $send,
        private readonly \Closure $sleep,
    ) {
    }

    /**
     * An answer with a body in JSON. `$params` are the body, or the query of a GET.
     *
     * @param array<string, mixed> $params
     */
    public function send(string $method, string $path, array $params = []): Answer
    {
        $request = $this->buildRequest($method, $path, $params);
        for ($retry = 0; ; $retry++) {
            $outcome = $this->attempt($request);
            if ($outcome instanceof Answer) {
                return $outcome;
            }
            $delay = $outcome->isRetryable && $retry < $this->maxRetries
                ? Retries::delayBefore($retry, $outcome->retryAfter)
                : null;
            if ($delay === null) {
                throw $outcome->error;
            }
            ($this->sleep)($delay);
        }
    }

    private function attempt(Request $request): Answer|Failure
    {
        try {
            $answer = ($this->send)($request);
        } catch (ConnectionException $error) {
            return new Failure($error, isRetryable: true);
        }
        $body = $answer->json();
        if ($answer->status >= 300) {
            $error = ApiException::fromAnswer($answer->status, $body, $answer->header('request-id'));
            $isRetryable = Retries::isRetryable($error->status, $error->errorCode);
            return new Failure($error, $isRetryable, $answer->header('retry-after'));
        }
        if ($body === null) {
            $message = "The API answered {$answer->status} without JSON: check the base URL.";
            return new Failure(new PayGateException($message), isRetryable: false);
        }
        return $answer;
    }

    /** @param array<string, mixed> $params */
    private function buildRequest(string $method, string $path, array $params): Request
    {
        $key = $params['idempotency_key'] ?? bin2hex(random_bytes(16));
        unset($params['idempotency_key']);
        $url = $this->baseUrl . $path;
        $headers = ['Accept' => 'application/json', 'Authorization' => "Bearer {$this->secretKey}"];
        $body = null;
        if ($method === 'GET') {
            $query = http_build_query(self::encodeTimes($params), '', '&', PHP_QUERY_RFC3986);
            $url .= $query === '' ? '' : "?$query";
        } elseif ($params !== []) {
            $headers['Content-Type'] = 'application/json';
            $body = self::encode($params);
        }
        if ($method === 'POST' && is_scalar($key)) {
            $headers['Idempotency-Key'] = (string) $key;
        }
        return new Request($method, $url, $headers, $body);
    }

    /** @param array<string, mixed> $params */
    private static function encode(array $params): string
    {
        $fields = self::encodeTimes($params);
        if (is_array($fields['metadata'] ?? null)) {
            // JSON would show an empty array, or one with the keys 0, 1 and so on, as a list.
            $fields['metadata'] = (object) $fields['metadata'];
        }
        return json_encode($fields, JSON_THROW_ON_ERROR | JSON_UNESCAPED_UNICODE | JSON_UNESCAPED_SLASHES);
    }

    /**
     * @param array<mixed> $params
     * @return array<mixed>
     */
    private static function encodeTimes(array $params): array
    {
        return array_map(static fn (mixed $value): mixed => match (true) {
            is_array($value) => self::encodeTimes($value),
            $value instanceof \DateTimeInterface => gmdate('Y-m-d\TH:i:s\Z', $value->getTimestamp()),
            default => $value,
        }, $params);
    }
}
