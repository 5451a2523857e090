<?php

declare(strict_types=1);

namespace PayGate;

use PayGate\Exception\PayGateException;

/** What went wrong in one attempt. */
final class Failure
{
    public function __construct(
        public readonly PayGateException $error,
        public readonly bool $isRetryable,
        public readonly ?string $retryAfter = null,
    ) {
    }
}
