<?php

declare(strict_types=1);

namespace PayGate\Model;

/**
 * @property-read string $id
 * @property-read string $object
 * @property-read int $amount
 * @property-read string $currency
 * @property-read string $status
 * @property-read string $payment
 * @property-read string|null $reason
 * @property-read string|null $failure_reason
 * @property-read array<string, string> $metadata
 * @property-read string $created_at
 */
class Refund extends ApiObject
{
}
