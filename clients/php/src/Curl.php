<?php

declare(strict_types=1);

namespace PayGate;

use PayGate\Exception\ConnectionException;

/** Sends requests with ext-curl. The connection is kept open between them. */
final class Curl
{
    private readonly \CurlHandle $handle;

    /** @param float $timeout in seconds */
    public function __construct(private readonly float $timeout)
    {
        $this->handle = curl_init();
    }

    public function __invoke(Request $request): Answer
    {
        $headers = [];
        curl_reset($this->handle);
        curl_setopt_array($this->handle, [
            CURLOPT_URL => $request->url,
            CURLOPT_CUSTOMREQUEST => $request->method,
            CURLOPT_HTTPHEADER => self::lines($request->headers),
            CURLOPT_RETURNTRANSFER => true,
            CURLOPT_TIMEOUT_MS => (int) ($this->timeout * 1000),
            CURLOPT_HEADERFUNCTION => static function (\CurlHandle $_, string $line) use (&$headers): int {
                [$name, $value] = explode(':', $line, 2) + [1 => ''];
                $headers[strtolower(trim($name))] = trim($value);
                return strlen($line);
            },
        ]);
        if ($request->body !== null) {
            curl_setopt($this->handle, CURLOPT_POSTFIELDS, $request->body);
        }
        $text = curl_exec($this->handle);
        if (!is_string($text)) {
            throw new ConnectionException('No answer from the API: ' . curl_error($this->handle));
        }
        return new Answer((int) curl_getinfo($this->handle, CURLINFO_RESPONSE_CODE), $headers, $text);
    }

    /**
     * @param array<string, string> $headers
     * @return list<string>
     */
    private static function lines(array $headers): array
    {
        $lines = [];
        foreach ($headers as $name => $value) {
            $lines[] = "$name: $value";
        }
        return $lines;
    }
}
