<?php

declare(strict_types=1);

namespace PayGate;

use PayGate\Exception\WebhookSignatureException;
use PayGate\Model\Event;

/** Checks whether a webhook is genuine. */
final class Webhook
{
    private const TOLERANCE = 300;

    /**
     * The event of a webhook, if it is genuine.
     *
     * @param mixed $rawBody the body as it was received: file_get_contents('php://input')
     * @param string|null $header `X-PayGate-Signature`: $_SERVER['HTTP_X_PAYGATE_SIGNATURE'] ?? null
     * @param int $tolerance how many seconds the signature's time may differ from `$now`
     * @param int|null $now in epoch seconds; this machine's clock by default
     * @throws WebhookSignatureException unless it is genuine
     */
    public static function constructEvent(
        mixed $rawBody,
        ?string $header,
        string $secret,
        int $tolerance = self::TOLERANCE,
        ?int $now = null,
    ): Event {
        $body = self::readBytes($rawBody);
        [$signedAt, $signatures] = self::readHeader($header);
        if ($secret === '') {
            throw new WebhookSignatureException("The secret is missing: pass the endpoint's whsec_… string.");
        }
        $expected = self::signature($body, $secret, $signedAt);
        // While a secret is rotated, the header has one signature for each secret.
        $matching = array_filter($signatures, static fn (string $each): bool => hash_equals($expected, $each));
        if ($matching === []) {
            throw new WebhookSignatureException(
                "No signature matches: check that the secret is this endpoint's, and that the body is raw."
            );
        }
        if (abs(($now ?? time()) - (int) $signedAt) > $tolerance) {
            throw new WebhookSignatureException(
                "The webhook was signed more than $tolerance seconds from now: a repeat, or a wrong clock."
            );
        }
        return new Event((array) json_decode($body, true, 512, JSON_THROW_ON_ERROR));
    }

    /** The header of a genuine webhook, for tests. `$timestamp` is in epoch seconds. */
    public static function sign(string $rawBody, string $secret, ?int $timestamp = null): string
    {
        $signedAt = (string) ($timestamp ?? time());
        return "t=$signedAt,v1=" . self::signature($rawBody, $secret, $signedAt);
    }

    private static function readBytes(mixed $rawBody): string
    {
        if (is_string($rawBody)) {
            return $rawBody;
        }
        throw new WebhookSignatureException(
            'The signature is over the bytes of the body, and this body is parsed: pass the raw body: '
            . "file_get_contents('php://input'), or \$request->getContent() in Laravel and Symfony."
        );
    }

    /** @return array{string, list<string>} the time and the signatures */
    private static function readHeader(?string $header): array
    {
        if ($header === null || $header === '') {
            throw new WebhookSignatureException(
                "The header is missing: pass \$_SERVER['HTTP_X_PAYGATE_SIGNATURE']."
            );
        }
        $signedAt = '';
        $signatures = [];
        foreach (explode(',', $header) as $part) {
            [$name, $value] = explode('=', trim($part), 2) + [1 => ''];
            if ($name === 't' && $signedAt === '' && preg_match('/^\d{1,12}$/D', $value) === 1) {
                $signedAt = $value;
            }
            if ($name === 'v1' && preg_match('/^[0-9a-f]{64}$/D', $value) === 1) {
                $signatures[] = $value;
            }
        }
        if ($signedAt === '' || $signatures === []) {
            throw new WebhookSignatureException('The header is not of the form t=<epoch>,v1=<hex>.');
        }
        return [$signedAt, $signatures];
    }

    private static function signature(string $body, string $secret, string $signedAt): string
    {
        return hash_hmac('sha256', "$signedAt.$body", $secret);
    }
}
