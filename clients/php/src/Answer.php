<?php

declare(strict_types=1);

namespace PayGate;

/** An answer of the API. Names of headers are in lower case. */
final class Answer
{
    /** @param array<string, string> $headers */
    public function __construct(
        public readonly int $status,
        public readonly array $headers,
        public readonly string $text,
    ) {
    }

    public function header(string $name): ?string
    {
        return $this->headers[$name] ?? null;
    }

    /**
     * The body's JSON; null if it is not an object.
     *
     * @return array<mixed>|null
     */
    public function json(): ?array
    {
        $decoded = json_decode($this->text, true);
        return is_array($decoded) ? $decoded : null;
    }
}
