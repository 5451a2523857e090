<?php

declare(strict_types=1);

namespace PayGate;

/** Which answers are worth another attempt, and when. */
final class Retries
{
    private const FIRST_DELAY = 0.5;
    private const LONGEST_DELAY = 8.0;
    private const LONGEST_RETRY_AFTER = 60;

    /** Whether an answer may be another one a moment later. */
    public static function isRetryable(int $status, ?string $code): bool
    {
        $inProgress = $status === 409 && str_ends_with($code ?? '', '_in_progress');
        return $inProgress || $status === 429 || $status >= 500;
    }

    /**
     * Seconds to wait before retry number `$retry`, from 0 on. Half of the delay is random, so that
     * many clients do not return at once.
     *
     * @param string|null $retryAfter the header of the answer, in seconds or as a date
     * @return float|null null if the answer asks for more than a minute: then the caller gets the
     *                    error instead
     */
    public static function delayBefore(int $retry, ?string $retryAfter, ?int $now = null): ?float
    {
        $longest = min(self::FIRST_DELAY * 2 ** $retry, self::LONGEST_DELAY);
        $backoff = $longest * (0.5 + mt_rand() / mt_getrandmax() / 2);
        $asked = self::readRetryAfter($retryAfter ?? '', $now ?? time());
        return $asked > self::LONGEST_RETRY_AFTER ? null : max($backoff, $asked);
    }

    private static function readRetryAfter(string $header, int $now): int
    {
        if (preg_match('/^\d{1,9}$/D', $header) === 1) {
            return (int) $header;
        }
        // The format has GMT as plain text, so the zone has to be given.
        $utc = new \DateTimeZone('UTC');
        $date = \DateTimeImmutable::createFromFormat(\DateTimeInterface::RFC7231, $header, $utc);
        return $date === false ? 0 : $date->getTimestamp() - $now;
    }
}
