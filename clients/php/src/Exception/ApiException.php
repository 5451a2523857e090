<?php

declare(strict_types=1);

namespace PayGate\Exception;

/** The API answered with an error. PHP's own `getCode()` is the status. */
class ApiException extends PayGateException
{
    final public function __construct(
        string $message,
        public readonly string $type,
        public readonly ?string $errorCode,
        public readonly ?string $param,
        public readonly int $status,
        public readonly ?string $requestId,
    ) {
        parent::__construct($message, $status);
    }

    /**
     * The error of an answer. API Gateway's own answers have no `error`, only a `message`.
     *
     * @param array<mixed>|null $body
     */
    public static function fromAnswer(int $status, ?array $body, ?string $requestId): self
    {
        $error = $body['error'] ?? null;
        $fields = is_array($error) ? $error : [];
        $type = self::text($fields, 'type');
        $class = self::classFor($status, $type);
        return new $class(
            self::text($fields, 'message') ?? self::text($body ?? [], 'message') ?? "The API answered $status.",
            $type ?? ($status === 429 ? 'rate_limit_error' : 'api_error'),
            self::text($fields, 'code'),
            self::text($fields, 'param'),
            $status,
            $requestId,
        );
    }

    /** @return class-string<self> */
    private static function classFor(int $status, ?string $type): string
    {
        return match (true) {
            $type === 'idempotency_error' => IdempotencyException::class,
            $status >= 500 => ServerException::class,
            $status === 401 => AuthenticationException::class,
            $status === 403 => PermissionDeniedException::class,
            $status === 404 => NotFoundException::class,
            $status === 409 => ConflictException::class,
            $status === 429 => RateLimitException::class,
            default => InvalidRequestException::class,
        };
    }

    /** @param array<mixed> $fields */
    private static function text(array $fields, string $name): ?string
    {
        $value = $fields[$name] ?? null;
        return is_string($value) ? $value : null;
    }
}
