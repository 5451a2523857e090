<?php

declare(strict_types=1);

namespace PayGate;

/** A request as it is sent. All attempts of a call send the same one. */
final class Request
{
    /** @param array<string, string> $headers */
    public function __construct(
        public readonly string $method,
        public readonly string $url,
        public readonly array $headers,
        public readonly ?string $body,
    ) {
    }
}
